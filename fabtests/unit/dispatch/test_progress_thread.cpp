// SPDX-License-Identifier: BSD-2-Clause
#include "../os/child_process.h"
#include "dispatch/progress_thread.h"
#include "opened.h"

using namespace anchor;
using namespace anchor::unit;

Test(progress_thread, drives_who_joined) {
  Place place;
  Opened a(place.device, "a"), b(place.device, "b");
  ProgressThread thread;
  thread.group().join(&a.endpoint);
  thread.group().join(&b.endpoint);
  const std::uint64_t to_b = a.addresses.insert(named("b"));
  for (int i = 0; i < 100; ++i) {
    char in[1] = {};
    cr_assert_eq(b.receive(in, 1), 0);
    cr_assert_eq(a.send(to_b, "x", 1, 0), 0);
    const TimePoint deadline = Clock::now() + Milliseconds{60'000};
    std::ptrdiff_t length;
    while ((length = b.next()) == -EAGAIN && Clock::now() < deadline) sched_yield();
    cr_assert_eq(length, 1);
    cr_assert_eq(in[0], 'x');
  }
  thread.group().leave(&a.endpoint);
  thread.group().leave(&b.endpoint);
}

Test(progress_thread, ends_with_its_owner) {
  for (int i = 0; i < 100; ++i) ProgressThread();
}

Test(progress_thread, a_forked_child_has_none_to_wait_for) {
  auto thread = std::make_unique<ProgressThread>();
  Child child([&](const Meeting&) {
    thread.reset();
    return 0;
  });
  cr_assert_eq(child.join(), 0);
}
