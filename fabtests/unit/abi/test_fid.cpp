// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <stdexcept>
#include <utility>

#include "abi/fid.h"

using namespace anchor;

namespace {

struct Thing {
  UseCount uses;
};

}  // namespace

Test(fid, uses_are_counted_once_each) {
  Thing thing;
  {
    Use<Thing> use(thing);
    cr_assert(thing.uses.busy());
    Use<Thing> moved(std::move(use));
    cr_assert_not(use);
    Use<Thing> assigned;
    assigned = std::move(moved);
    cr_assert_eq(assigned.get(), &thing);
    cr_assert(thing.uses.busy());
  }
  cr_assert_not(thing.uses.busy());
}

Test(fid, exceptions_become_a_status) {
  cr_assert_eq(guarded([] { return 7; }), 7);
  cr_assert_eq(guarded([]() -> int { throw std::bad_alloc(); }), -FI_ENOMEM);
  cr_assert_eq(guarded([]() -> int { throw std::runtime_error("x"); }), -FI_EOTHER);
}
