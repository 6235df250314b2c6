// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "abi/patience.h"

using namespace anchor;
using std::chrono::microseconds;

Test(patience, no_time_is_one_look) { cr_assert(Patience(0, microseconds(0)).over()); }

Test(patience, some_time_ends) {
  const TimePoint start = Clock::now();
  Patience patience(5, microseconds(0));
  while (!patience.over()) {
  }
  cr_assert(Clock::now() - start >= Milliseconds(5));
}

Test(patience, without_end) {
  Patience patience(-1, microseconds(0));
  for (int i = 0; i < 1000; ++i) cr_assert_not(patience.over());
}

Test(patience, it_polls_before_it_sleeps) {
  const TimePoint start = Clock::now();
  Patience patience(-1, microseconds(2000));
  cr_assert_not(patience.sleeps());
  while (!patience.sleeps()) patience.over();
  cr_assert(Clock::now() - start >= microseconds(2000));
  cr_assert(Patience(-1, microseconds(0)).sleeps());
}
