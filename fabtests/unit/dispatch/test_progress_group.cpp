// SPDX-License-Identifier: BSD-2-Clause
#include "dispatch/progress_group.h"
#include "opened.h"

using namespace anchor;
using namespace anchor::unit;

Test(progress_group, drives_its_members) {
  Place place;
  Opened a(place.device, "a"), b(place.device, "b");
  ProgressGroup group(true);
  group.join(&a.endpoint);
  group.join(&b.endpoint);
  char in[1];
  cr_assert_eq(b.receive(in, 1), 0);
  cr_assert_eq(a.send(a.addresses.insert(named("b")), "x", 1), 0);
  const TimePoint deadline = Clock::now() + Milliseconds{60'000};
  while (b.next() == -EAGAIN && Clock::now() < deadline) group.progress();
  cr_assert_eq(in[0], 'x');
}

Test(progress_group, one_that_left_is_not_touched_again) {
  Place place;
  Opened a(place.device, "a");
  ProgressGroup group(false);
  {
    Opened b(place.device, "b");
    group.join(&b.endpoint);
    group.join(&a.endpoint);
    group.leave(&b.endpoint);
  }
  group.progress();
}

Test(progress_group, one_that_joined_twice_stands_once) {
  Place place;
  Opened a(place.device, "a"), b(place.device, "b");
  ProgressGroup group(true);
  group.join(&b.endpoint);
  group.join(&b.endpoint);
  group.leave(&b.endpoint);
  char in[1];
  cr_assert_eq(b.receive(in, 1), 0);
  cr_assert_eq(a.send(a.addresses.insert(named("b")), "x", 1), 0);
  for (int pass = 0; pass < 100; ++pass) {
    a.endpoint.progress();
    group.progress();
  }
  cr_assert_eq(b.next(), -EAGAIN, "it is driven though it left");
  cr_assert_eq(b.await(a), 1);
}
