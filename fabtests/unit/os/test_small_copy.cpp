// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <array>
#include <cstring>

#include "os/small_copy.h"

using namespace anchor;

// Every length, from and to every alignment: exactly the bytes asked for, and none beside them.
Test(small_copy, copies_just_the_bytes_asked_for) {
  std::array<std::byte, 2 * kSmallCopy> from;
  for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<std::byte>(i + 1);
  for (std::size_t size = 0; size <= kSmallCopy; ++size) {
    for (std::size_t shift = 0; shift < 9; ++shift) {
      std::array<std::byte, 2 * kSmallCopy> to{}, expected{};
      std::memcpy(expected.data() + shift, from.data() + 8 - shift, size);
      small_copy(to.data() + shift, from.data() + 8 - shift, size);
      cr_assert(to == expected, "%zu bytes, shifted by %zu", size, shift);
    }
  }
}

Test(small_copy, of_nothing_needs_no_addresses) { small_copy(nullptr, nullptr, 0); }
