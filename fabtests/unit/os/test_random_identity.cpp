// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <algorithm>
#include <vector>

#include "os/random_identity.h"

using namespace anchor;

Test(random_identity, is_not_repeated_and_not_zero) {
  std::vector<std::uint64_t> seen;
  for (unsigned i = 0; i < 1000; ++i) seen.push_back(random_identity());
  std::sort(seen.begin(), seen.end());
  cr_assert(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
  cr_assert_neq(seen.front(), 0u);
}
