// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <array>
#include <cstring>

#include "os/streaming_copy.h"

using namespace anchor;

// Around the sizes where the streaming part begins and ends, from and to every alignment.
Test(streaming_copy, copies_just_the_bytes_asked_for) {
  constexpr std::size_t kMost = 300;
  std::array<std::byte, kMost + 32> from;
  for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<std::byte>(i % 251 + 1);
  for (std::size_t size = 0; size <= kMost; ++size) {
    for (std::size_t shift = 0; shift < 17; ++shift) {
      std::array<std::byte, kMost + 32> to{}, expected{};
      std::memcpy(expected.data() + shift, from.data() + 16 - shift, size);
      streaming_copy(to.data() + shift, from.data() + 16 - shift, size);
      cr_assert(to == expected, "%zu bytes, shifted by %zu", size, shift);
    }
  }
}

Test(streaming_copy, is_measured_by_a_clock_that_runs) {
  if (!kStreamingCopies) return;
  const std::uint64_t begin = ticks();
  std::uint64_t end = begin;
  while (end == begin) end = ticks();
  cr_assert_gt(end, begin);
}
