// SPDX-License-Identifier: BSD-2-Clause
#include <fcntl.h>
#include <poll.h>

#include "dispatch/progress_group.h"
#include "opened.h"
#include "os/unique_fd.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

bool readable(const ProgressGroup& group) {
  pollfd wanted{group.wait_descriptor(), POLLIN, 0};
  return ::poll(&wanted, 1, 0) == 1;
}

}  // namespace

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

// What woke both is taken back by the second one, which is the only one to learn that there is a peer now.
Test(progress_group, who_fell_asleep_before_the_first_peer_came_is_told_of_its_death) {
  EndpointSettings patient;
  patient.liveness_interval = Milliseconds{60'000};
  Place place;
  Opened a(place.device, "a", patient), b(place.device, "b", patient);
  const int pipe = b.endpoint.wait_object();
  cr_assert_geq(pipe, 0);
  ProgressGroup first(true), second(true);
  for (ProgressGroup* group : {&first, &second}) {
    cr_assert_eq(group->open_wait(), 0);
    group->join(&a.endpoint);
  }
  const auto never = [] { return false; };
  cr_assert_eq(first.prepare_to_wait(never), 0);

  char in[1];
  cr_assert_eq(a.receive(in, 1), 0);
  cr_assert_eq(b.send(b.addresses.insert(named("a")), "x", 1), 0);
  const TimePoint deadline = Clock::now() + Milliseconds{60'000};
  while (a.next() == -EAGAIN && Clock::now() < deadline) {
    b.endpoint.progress();
    second.progress();
  }
  cr_assert_eq(in[0], 'x');
  while (second.prepare_to_wait(never) != 0) cr_assert_lt(Clock::now(), deadline);
  cr_assert_not(readable(first));
  const UniqueFd nothing(::open("/dev/null", O_RDWR));
  cr_assert_geq(::dup2(nothing.get(), pipe), 0);  // as when b dies: its pipe loses its reader
  cr_assert(readable(first));
  cr_assert(readable(second));
}
