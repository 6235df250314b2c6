// SPDX-License-Identifier: BSD-2-Clause
// Copies whose stores go past the caches. Two processors that hand a buffer to and fro by ordinary stores take every
// line of it out of each other's caches; where they are far apart (two chiplets: 200 ns a line) that is ten times
// slower than writing to memory and reading from there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#include <x86intrin.h>
#endif

namespace anchor {

#if defined(__SSE2__)

inline constexpr bool kStreamingCopies = true;

// memcpy(3) by such stores, in order before every later store of this thread.
inline void streaming_copy(void* to_bytes, const void* from_bytes, std::size_t size) noexcept {
  auto* to = static_cast<std::byte*>(to_bytes);
  const auto* from = static_cast<const std::byte*>(from_bytes);
  const std::size_t before = -reinterpret_cast<std::uintptr_t>(to) % sizeof(__m128i);
  if (size < before + 4 * sizeof(__m128i)) {
    std::memcpy(to, from, size);
    return;
  }
  std::memcpy(to, from, before);
  std::size_t at = before;
  for (; size - at >= 4 * sizeof(__m128i); at += 4 * sizeof(__m128i)) {
    __m128i words[4];
    std::memcpy(words, from + at, sizeof words);
    for (unsigned i = 0; i < 4; ++i) _mm_stream_si128(reinterpret_cast<__m128i*>(to + at) + i, words[i]);
  }
  std::memcpy(to + at, from + at, size - at);
  _mm_sfence();  // such stores are not ordered by a release
}

// A clock of the processor, the same for all of them, of an unknown and constant rate: nothing measures in less time.
inline std::uint64_t ticks() noexcept { return __rdtsc(); }

#else

inline constexpr bool kStreamingCopies = false;

inline void streaming_copy(void* to, const void* from, std::size_t size) noexcept { std::memcpy(to, from, size); }
inline std::uint64_t ticks() noexcept { return 0; }

#endif

}  // namespace anchor
