// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "abi/user_ids.h"

using namespace anchor;

Test(user_ids, an_address_without_one) {
  const UserIds optional(false), mandatory(true);
  cr_assert_eq(optional.of(3), 3u);
  cr_assert_eq(mandatory.of(3), kAnyAddress);
  cr_assert_eq(optional.of(kAnyAddress), kAnyAddress);
}

Test(user_ids, set_and_forgotten) {
  UserIds ids(true);
  ids.set(3, 30);
  ids.set(3, 31);
  cr_assert_eq(ids.of(3), 31u);
  ids.forget(3);
  cr_assert_eq(ids.of(3), kAnyAddress);
}
