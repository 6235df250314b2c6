// SPDX-License-Identifier: BSD-2-Clause
#include "pattern.h"

#include <algorithm>
#include <cstring>

#include "check.h"

namespace anchor::fabtests {

namespace {

constexpr std::size_t kWord = sizeof(std::uint64_t);

std::uint64_t word_at(std::uint64_t seed, std::uint64_t index) noexcept {
  const std::uint64_t mixed = (seed * 0xD1B54A32D192ED03ull + index + 1) * 0x9E3779B97F4A7C15ull;
  return mixed ^ (mixed >> 29);
}

std::byte byte_at(std::uint64_t seed, std::uint64_t position) noexcept {
  return static_cast<std::byte>(word_at(seed, position / kWord) >> (8 * (position % kWord)));
}

// Bytes before the next position that is a multiple of the word size.
std::size_t unaligned_head(std::size_t size, std::uint64_t first) noexcept {
  return std::min<std::size_t>(size, (kWord - first % kWord) % kWord);
}

}  // namespace

void fill_pattern(void* buffer, std::size_t size, std::uint64_t seed, std::uint64_t first) noexcept {
  auto* bytes = static_cast<std::byte*>(buffer);
  std::size_t i = 0;
  for (const std::size_t head = unaligned_head(size, first); i < head; ++i) bytes[i] = byte_at(seed, first + i);
  for (; i + kWord <= size; i += kWord) {
    const std::uint64_t word = word_at(seed, (first + i) / kWord);
    std::memcpy(bytes + i, &word, kWord);
  }
  for (; i < size; ++i) bytes[i] = byte_at(seed, first + i);
}

std::size_t find_difference(const void* buffer, std::size_t size, std::uint64_t seed, std::uint64_t first) noexcept {
  const auto* bytes = static_cast<const std::byte*>(buffer);
  const std::size_t head = unaligned_head(size, first);
  std::size_t i = 0;
  while (i < head && bytes[i] == byte_at(seed, first + i)) ++i;
  if (i < head) return i;
  for (; i + kWord <= size; i += kWord) {
    const std::uint64_t want = word_at(seed, (first + i) / kWord);
    if (std::memcmp(bytes + i, &want, kWord) != 0) break;
  }
  while (i < size && bytes[i] == byte_at(seed, first + i)) ++i;
  return i;
}

bool check_pattern(const void* buffer, std::size_t size, std::uint64_t seed, std::uint64_t first) {
  const std::size_t at = find_difference(buffer, size, seed, first);
  if (at == size) return true;
  const auto got = static_cast<unsigned>(static_cast<const std::byte*>(buffer)[at]);
  const auto want = static_cast<unsigned>(byte_at(seed, first + at));
  note_failure(FABTESTS_PLACE, "message of " + std::to_string(size) + " bytes differs at byte " + std::to_string(at) +
                                   ": expected " + describe(want) + ", got " + describe(got));
  return false;
}

void fill_pattern(const std::vector<iovec>& segments, std::uint64_t seed) noexcept {
  std::uint64_t position = 0;
  for (const iovec& segment : segments) {
    fill_pattern(segment.iov_base, segment.iov_len, seed, position);
    position += segment.iov_len;
  }
}

bool check_pattern(const std::vector<iovec>& segments, std::size_t size, std::uint64_t seed) {
  std::uint64_t position = 0;
  for (const iovec& segment : segments) {
    const std::size_t part = std::min<std::size_t>(segment.iov_len, size - position);
    if (!check_pattern(segment.iov_base, part, seed, position)) return false;
    position += part;
  }
  return check_equal(FABTESTS_PLACE, "bytes that fit into the segments", position, size);
}

bool check_untouched(const void* buffer, std::size_t size, std::byte value) {
  const auto* bytes = static_cast<const std::byte*>(buffer);
  const auto* changed = std::find_if(bytes, bytes + size, [value](std::byte b) { return b != value; });
  if (changed == bytes + size) return true;
  note_failure(FABTESTS_PLACE, "written beyond the message: byte " + std::to_string(changed - bytes) + " of " +
                                   std::to_string(size) + " behind it is now " +
                                   describe(static_cast<unsigned>(*changed)));
  return false;
}

Bytes patterned(std::size_t size, std::uint64_t seed) {
  Bytes bytes(size);
  fill_pattern(bytes.data(), size, seed);
  return bytes;
}

}  // namespace anchor::fabtests
