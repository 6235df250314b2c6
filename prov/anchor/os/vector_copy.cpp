// SPDX-License-Identifier: BSD-2-Clause
#include "os/vector_copy.h"

#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace anchor {

#if defined(__SSE2__)

namespace {

constexpr std::size_t kStep = 4 * sizeof(__m128i);

}  // namespace

void vector_copy(void* to, const void* from, std::size_t size) noexcept {
  auto* target = static_cast<__m128i*>(to);
  const auto* source = static_cast<const __m128i*>(from);
  for (std::size_t left = size / kStep; left != 0; --left, source += 4, target += 4) {
    // Each in a variable of its own: an array of them would be stored and loaded once more.
    const __m128i first = _mm_loadu_si128(source);
    const __m128i second = _mm_loadu_si128(source + 1);
    const __m128i third = _mm_loadu_si128(source + 2);
    const __m128i fourth = _mm_loadu_si128(source + 3);
    _mm_storeu_si128(target, first);
    _mm_storeu_si128(target + 1, second);
    _mm_storeu_si128(target + 2, third);
    _mm_storeu_si128(target + 3, fourth);
  }
  std::memcpy(target, source, size % kStep);
}

#else

void vector_copy(void* to, const void* from, std::size_t size) noexcept { std::memcpy(to, from, size); }

#endif

}  // namespace anchor
