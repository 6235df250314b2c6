// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "os/vector_copy.h"

using namespace anchor;

namespace {

constexpr std::size_t kMargin = 64;

std::vector<std::byte> numbered(std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i % 251 + 1);
  return bytes;
}

}  // namespace

// Whole steps and what is left of one, from and to every alignment: the bytes asked for, and none beside them.
Test(vector_copy, copies_just_the_bytes_asked_for) {
  const std::vector<std::byte> from = numbered(kMostVectorCopy + 2 * kMargin);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{63}, std::size_t{64}, std::size_t{65},
                                 kLeastVectorCopy - 1, kLeastVectorCopy, kLeastVectorCopy + 17, kMostVectorCopy}) {
    for (std::size_t shift = 0; shift < 17; ++shift) {
      std::vector<std::byte> to(size + 2 * kMargin), expected(size + 2 * kMargin);
      std::copy_n(from.begin() + 16 - shift, size, expected.begin() + shift);
      vector_copy(to.data() + shift, from.data() + 16 - shift, size);
      cr_assert(to == expected, "%zu bytes, shifted by %zu", size, shift);
    }
  }
}
