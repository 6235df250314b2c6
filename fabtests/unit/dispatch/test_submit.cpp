// SPDX-License-Identifier: BSD-2-Clause
#include "core/counter.h"
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

// Without a lock, requests may go the short way; what they ask for is the same.
Test(submit, requests_end_as_asked_on_either_way) {
  Place place;
  for (const bool shared : {true, false}) {
    Opened a(place.device, "a", {}, 8, shared);
    const std::uint64_t to_a = a.addresses.insert(named("a"));
    char in[8] = {};
    const auto pass = [&](const char* text, std::uint32_t send_flags, std::uint32_t receive_flags) {
      cr_assert_eq(a.receive(in, 8, receive_flags), 0);
      cr_assert_eq(a.send(to_a, text, 5, send_flags), 0);
    };
    for (int i = 0; i < 3; ++i) {
      pass("both?", kWantCompletion, kWantCompletion);
      cr_assert_eq(a.await(), 5);
      cr_assert_eq(a.await(), 5);
    }
    pass("quiet", 0, kWantCompletion);
    cr_assert_eq(a.await(), 5, "the receive's");
    cr_assert_eq(a.next(), -EAGAIN);
    pass("quiet", kWantCompletion, 0);
    cr_assert_eq(a.next(), 5, "the send's");
    while (!a.endpoint.progress()) continue;
    cr_assert_eq(a.next(), -EAGAIN);

    cr_assert_eq(a.send(to_a, "later", 5, kWantCompletion | kDeliveryComplete), 0);
    a.endpoint.progress();
    cr_assert_eq(a.next(), -EAGAIN, "not delivered yet");
    cr_assert_eq(a.receive(in, 8), 0);
    cr_assert_eq(a.await(), 5);
    cr_assert_eq(a.await(), 5);

    Counter sent, received;
    a.endpoint.bind_send_counter(&sent);
    a.endpoint.bind_receive_counter(&received);
    pass("count", kWantCompletion, kWantCompletion);
    cr_assert_eq(a.await(), 5);
    cr_assert_eq(a.await(), 5);
    cr_assert_eq(sent.value(), 1u);
    cr_assert_eq(received.value(), 1u);
  }
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
