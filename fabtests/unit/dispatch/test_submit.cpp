// SPDX-License-Identifier: BSD-2-Clause
#include "opened.h"

using namespace anchor;
using namespace anchor::unit;

Test(submit, an_unknown_address_is_refused) {
  Place place;
  Opened a(place.device, "a");
  cr_assert_eq(a.send(5, "x", 1), -EINVAL);
  cr_assert_eq(a.send(kAnyAddress, "x", 1), -EINVAL);
}

Test(submit, a_full_queue_takes_no_more_sends) {
  Place place;
  Opened a(place.device, "a", {}, 4);
  const std::uint64_t to_a = a.addresses.insert(named("a"));
  cr_assert_eq(a.send(to_a, "x", 1), 0);
  cr_assert_eq(a.await(), 1, "it is connected to itself");
  for (unsigned i = 0; i < 4; ++i) cr_assert_eq(a.send(to_a, "x", 1), 0);
  cr_assert_eq(a.send(to_a, "x", 1), -EAGAIN);
  cr_assert_eq(a.next(), 1);
  cr_assert_eq(a.send(to_a, "x", 1), 0);
}

Test(submit, sends_beyond_the_fifo_wait_up_to_transmit_size) {
  EndpointSettings settings;
  settings.transmit_size = 10;
  settings.fifo_slots = 16;
  Place place;
  Opened a(place.device, "a", settings), b(place.device, "b", settings);
  const std::uint64_t to_b = a.addresses.insert(named("b"));
  char in[100];
  cr_assert_eq(a.send(to_b, "x", 1, 0), 0);
  cr_assert_eq(b.receive(in, 1), 0);
  cr_assert_eq(b.await(a), 1);
  unsigned taken = 0;
  while (a.send(to_b, "x", 1, 0) == 0) ++taken;
  cr_assert_geq(taken, 12u + 10u, "up to a quarter of the slots is on its way back");
  cr_assert_eq(a.send(to_b, "x", 1, 0), -EAGAIN);
  for (unsigned i = 0; i < taken; ++i) {
    cr_assert_eq(b.receive(in, 1), 0);
    cr_assert_eq(b.await(a), 1);
  }
  cr_assert_eq(a.send(to_b, "x", 1, 0), 0);
}

Test(submit, receives_peeks_and_claims_go_their_ways) {
  Place place;
  Opened a(place.device, "a");
  const std::uint64_t to_a = a.addresses.insert(named("a"));
  char in[8];
  cr_assert_eq(a.receive(in, 8, kWantCompletion | kClaim), -ENOMSG);
  cr_assert_eq(a.receive(in, 8, kWantCompletion | kPeek), 0);
  cr_assert_eq(a.next(), -ENOMSG);
  cr_assert_eq(a.send(to_a, "text", 5, 0), 0);
  a.endpoint.progress();
  cr_assert_eq(a.receive(in, 8, kWantCompletion | kPeek | kClaim), 0);
  cr_assert_eq(a.next(), 5);
  cr_assert_eq(a.receive(in, 8, kWantCompletion | kClaim), 0);
  cr_assert_eq(a.next(), 5);
  cr_assert_str_eq(in, "text");
}
