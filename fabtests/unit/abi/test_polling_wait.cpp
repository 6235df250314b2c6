// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "abi/polling_wait.h"

using namespace anchor;

Test(polling_wait, no_time_is_one_poll) { cr_assert_not(PollingWait(0).again()); }

Test(polling_wait, some_time_ends) {
  const TimePoint start = Clock::now();
  PollingWait wait(5);
  while (wait.again()) {
  }
  cr_assert(Clock::now() - start >= Milliseconds(5));
}

Test(polling_wait, without_end) {
  PollingWait wait(-1);
  for (int i = 0; i < 1000; ++i) cr_assert(wait.again());
}
