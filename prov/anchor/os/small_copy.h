// SPDX-License-Identifier: BSD-2-Clause
// Copies of a few bytes whose number is known only at run time: most messages. A call of memcpy(3) costs as much as
// everything else that happens to such a message in the FIFO; here a copy is one to four moves that may overlap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace anchor {

inline constexpr std::size_t kSmallCopy = 64;

// One move of sizeof(Word) bytes from the start, one up to the end.
template <class Word>
inline void copy_both_ends(std::byte* to, const std::byte* from, std::size_t size) noexcept {
  Word first, last;
  std::memcpy(&first, from, sizeof first);
  std::memcpy(&last, from + size - sizeof last, sizeof last);
  std::memcpy(to, &first, sizeof first);
  std::memcpy(to + size - sizeof last, &last, sizeof last);
}

// Requires: size <= kSmallCopy; the two do not overlap.
inline void small_copy(void* to_bytes, const void* from_bytes, std::size_t size) noexcept {
  struct Pair {
    std::uint64_t words[2];
  };
  auto* to = static_cast<std::byte*>(to_bytes);
  const auto* from = static_cast<const std::byte*>(from_bytes);
  if (size >= 8) [[likely]] {
    if (size <= 16) return copy_both_ends<std::uint64_t>(to, from, size);
    if (size <= 32) return copy_both_ends<Pair>(to, from, size);
    // Not four words at once: they would go through the stack, and need a frame.
    copy_both_ends<Pair>(to, from, 32);
    return copy_both_ends<Pair>(to + size - 32, from + size - 32, 32);
  }
  if (size >= 4) return copy_both_ends<std::uint32_t>(to, from, size);
  if (size >= 2) return copy_both_ends<std::uint16_t>(to, from, size);
  if (size == 1) *to = *from;
}

}  // namespace anchor
