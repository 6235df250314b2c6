// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <thread>

#include "os/wait_fd.h"

using namespace anchor;

namespace {

struct OpenWait : WaitFd {
  OpenWait() { cr_assert_eq(open(), 0); }
  bool readable() { return wait_until(TimePoint{}); }
};

}  // namespace

Test(wait_fd, a_signal_lasts_until_it_is_cleared) {
  OpenWait wait;
  cr_assert_not(wait.readable());
  wait.signal();
  wait.signal();
  cr_assert(wait.readable() && wait.readable());
  wait.clear();
  cr_assert_not(wait.readable());
  wait.signal();
  cr_assert(wait.readable());
}

Test(wait_fd, not_open_it_takes_signals_in_silence) {
  WaitFd wait;
  wait.signal();
  wait.clear();
  cr_assert_not(wait.is_open());
}

Test(wait_fd, shows_what_was_added) {
  OpenWait wait;
  const UniqueFd event(::eventfd(1, EFD_NONBLOCK));
  cr_assert_eq(wait.add(event.get()), 0);
  cr_assert(wait.readable());
  wait.remove(event.get());
  cr_assert_not(wait.readable());
}

Test(wait_fd, an_alarm_goes_off_and_stays_until_it_is_set_anew) {
  OpenWait wait;
  cr_assert_eq(wait.set_alarm(WaitFd::kNoAlarm), 0);
  const TimePoint moment = Clock::now() + Milliseconds(5);
  cr_assert_eq(wait.set_alarm(moment), 0);
  cr_assert(wait.wait_until(WaitFd::kNoAlarm));
  cr_assert(Clock::now() >= moment);
  cr_assert(wait.readable());
  cr_assert_eq(wait.set_alarm(WaitFd::kNoAlarm), 0);
  cr_assert_not(wait.readable());
}

Test(wait_fd, a_sleep_ends_with_its_time) {
  OpenWait wait;
  const TimePoint moment = Clock::now() + Milliseconds(3);
  cr_assert_not(wait.wait_until(moment));
  cr_assert(Clock::now() >= moment);
}

Test(wait_fd, signals_of_several_threads_are_never_lost) {
  OpenWait wait;
  std::atomic<int> sent{0};
  constexpr int kEach = 20'000;
  const auto send = [&] {
    for (int i = 0; i < kEach; ++i) {
      ++sent;
      wait.signal();
    }
  };
  std::thread first(send), second(send);
  int seen = 0;
  while (seen != 2 * kEach) {
    cr_assert(wait.wait_until(Clock::now() + Milliseconds(60'000)), "%d of %d", seen, sent.load());
    wait.clear();
    seen = sent;
  }
  first.join();
  second.join();
}
