// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <vector>

#include "os/demotion.h"

using namespace anchor;

// On any processor: one that does not know it must not take it for an illegal instruction.
Test(demotion, changes_nothing) {
  std::vector<std::byte> bytes(20 * kCacheLine);
  for (std::size_t size = 0; size < bytes.size(); size += kCacheLine / 2 + 1) {
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i + size);
    demote_all(bytes.data(), size);
    for (std::size_t i = 0; i < bytes.size(); ++i) cr_assert_eq(bytes[i], static_cast<std::byte>(i + size));
  }
}
