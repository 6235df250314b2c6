// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "fifo/sleep_line.h"

using namespace anchor;

Test(sleep_line, each_sleep_is_another_odd_epoch) {
  SleepLine line{};
  SleepAnnouncement sleep(&line);
  cr_assert_not(sleep.asleep());
  sleep.announce();
  cr_assert(sleep.asleep());
  cr_assert_eq(line.epoch.load(), 1u);
  sleep.announce();
  cr_assert_eq(line.epoch.load(), 3u);
  sleep.withdraw();
  cr_assert_not(sleep.asleep());
  cr_assert_eq(line.epoch.load(), 4u);
  sleep.withdraw();
  cr_assert_eq(line.epoch.load(), 4u);
  sleep.announce();
  cr_assert_eq(line.epoch.load(), 5u);
}
