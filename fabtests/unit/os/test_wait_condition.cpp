// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <memory>

#include "child_process.h"
#include "os/wait_condition.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

struct Event {
  Event() : fd(::eventfd(0, EFD_NONBLOCK)) {}
  void set() const {
    const std::uint64_t one = 1;
    cr_assert_eq(::write(fd.get(), &one, sizeof one), 8);
  }
  bool take() const {
    std::uint64_t count;
    return ::read(fd.get(), &count, sizeof count) == 8;
  }
  const UniqueFd fd;
};

// Under the mutex; 0 or ETIMEDOUT.
int wait_for_seconds(WaitCondition& wait, int seconds) {
  timespec moment;
  ::clock_gettime(CLOCK_REALTIME, &moment);
  moment.tv_sec += seconds;
  return ::pthread_cond_timedwait(wait.condition(), wait.mutex(), &moment);
}

}  // namespace

Test(wait_condition, tells_of_every_event) {
  const Event event;
  WaitCondition wait;
  cr_assert_eq(wait.start(event.fd.get()), 0);
  ::pthread_mutex_lock(wait.mutex());
  for (int i = 0; i < 100; ++i) {
    event.set();  // told when we wait, not before
    while (!event.take()) cr_assert_eq(wait_for_seconds(wait, 30), 0);
  }
  ::pthread_mutex_unlock(wait.mutex());
}

Test(wait_condition, tells_of_what_was_there_before) {
  const Event event;
  event.set();
  WaitCondition wait;
  ::pthread_mutex_lock(wait.mutex());
  cr_assert_eq(wait.start(event.fd.get()), 0);
  cr_assert_eq(wait_for_seconds(wait, 30), 0);
  ::pthread_mutex_unlock(wait.mutex());
}

// Somebody who never looks must not have a thread spin.
Test(wait_condition, tells_of_an_event_once) {
  const Event event;
  WaitCondition wait;
  cr_assert_eq(wait.start(event.fd.get()), 0);
  ::pthread_mutex_lock(wait.mutex());
  event.set();
  cr_assert_eq(wait_for_seconds(wait, 30), 0);
  while (wait_for_seconds(wait, 1) == 0) {  // conditions may wake for nothing, but not for ever
  }
  ::pthread_mutex_unlock(wait.mutex());
}

Test(wait_condition, starts_once_and_ends_with_its_owner) {
  const Event event;
  for (int i = 0; i < 100; ++i) {
    WaitCondition wait;
    cr_assert_eq(wait.start(event.fd.get()), 0);
    cr_assert_eq(wait.start(-1), 0);
  }
}

Test(wait_condition, without_a_descriptor_there_is_none) {
  WaitCondition wait;
  cr_assert_eq(wait.start(-1), -EBADF);
  const Event event;
  cr_assert_eq(wait.start(event.fd.get()), 0);
}

Test(wait_condition, a_forked_child_has_no_thread_to_wait_for) {
  const Event event;
  auto wait = std::make_unique<WaitCondition>();
  cr_assert_eq(wait->start(event.fd.get()), 0);
  Child child([&](const Meeting&) {
    wait.reset();
    return 0;
  });
  cr_assert_eq(child.join(), 0);
}
