// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <memory>

#include "../os/log_capture.h"
#include "node.h"
#include "proto/peek.h"
#include "proto/upkeep.h"
#include "scarce_device.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

EndpointSettings directed() {
  EndpointSettings settings = quick();
  settings.directed_receive = true;
  return settings;
}

// b can die and come back.
struct Mortal {
  Mortal() { revive(); }
  void revive() {
    b = std::make_unique<Node>(place.device, "b", directed());
    to_a = b->insert("a");
  }
  void connect() {
    if (at_a().state == PeerState::kIdle) seek_peer(a.exchange, at_a());
    const auto connected = [&] {
      return at_a().state == PeerState::kConnected && b->peer("a").state == PeerState::kConnected;
    };
    cr_assert(until(connected, a, *b));
  }
  Peer& at_a() { return a.peer("b"); }

  Place place;
  Node a{place.device, "a", directed()};
  std::unique_ptr<Node> b;
  std::uint64_t to_b = a.insert("b"), to_a = 0;
  const std::vector<unsigned char> large = bytes_of(100'000);
};

}  // namespace

Test(loss, what_is_outstanding_to_the_dead_ends_in_error) {
  Mortal mortal;
  mortal.connect();
  Node& a = mortal.a;
  char in = 0;
  cr_assert_eq(a.send(mortal.to_b, mortal.large.data(), mortal.large.size(), 1), 0);
  cr_assert_eq(a.receive(&in, 1, 0, 0, mortal.to_b), 0);
  cr_assert_eq(a.send(mortal.to_b, "x", 1, 2, kWantCompletion | kDeliveryComplete), 0);
  for (unsigned i = 0; i < 100; ++i) cr_assert_eq(a.send(mortal.to_b, "x", 1, 3, 0), 0);  // more than its FIFO holds
  mortal.b.reset();
  unsigned errors = 0, directed_receives = 0;
  while (errors < 2 + directed_receives || directed_receives == 0 || !mortal.at_a().waiting.empty()) {
    const Event event = await(a);
    cr_assert_eq(event.error, ECONNRESET);
    ++errors;
    directed_receives += event.completion.context == &in;
  }
  cr_assert_eq(a.exchange.sends.in_use(), 0u);
  cr_assert_eq(a.exchange.receives.in_use(), 0u);
  cr_assert_eq(mortal.at_a().state, PeerState::kIdle);
  cr_assert_eq(a.exchange.free_notifications.size(), kMaxPeers);
  cr_assert(a.exchange.polled.empty() && a.exchange.backlogged.empty());
}

Test(loss, other_peers_notice_nothing) {
  Mortal mortal;
  mortal.connect();
  Node c(mortal.place.device, "c");
  const std::uint64_t to_c = mortal.a.insert("c");
  std::vector<unsigned char> received(mortal.large.size());
  cr_assert_eq(c.receive(received.data(), received.size()), 0);
  cr_assert_eq(mortal.a.send(mortal.to_b, mortal.large.data(), mortal.large.size()), 0);
  mortal.b.reset();
  cr_assert_eq(mortal.a.send(to_c, mortal.large.data(), mortal.large.size()), 0);
  cr_assert_eq(await(c, mortal.a).completion.length, received.size());
  cr_assert(received == mortal.large);
}

Test(loss, what_the_dead_had_sent_is_received_first) {
  Mortal mortal;
  mortal.connect();
  for (unsigned char i = 0; i < 60; ++i) cr_assert_eq(mortal.b->send(mortal.to_a, &i, 1, 0), 0);
  mortal.b.reset();
  cr_assert(until([&] { return mortal.at_a().state == PeerState::kIdle; }, mortal.a));
  for (unsigned char i = 0; i < 60; ++i) {
    unsigned char in = 0xff;
    cr_assert_eq(mortal.a.receive(&in, 1, 0, 0, mortal.to_b), 0);
    cr_assert_eq(await(mortal.a).error, 0);
    cr_assert_eq(in, i);
  }
}

Test(loss, a_goodbye_is_seen_at_once_and_leaves_no_grudge) {
  Mortal mortal;
  mortal.connect();
  mortal.b->say_goodbye(mortal.b->peer("a"));
  mortal.a.passes(2);
  cr_assert_eq(mortal.at_a().state, PeerState::kIdle);
  mortal.b.reset();
  cr_assert_eq(mortal.a.send(mortal.to_b, "x", 1), 0);
  cr_assert_eq(mortal.at_a().state, PeerState::kSeeking, "it may come back");
}

// The end is found before the goodbye is.
Test(loss, who_closed_leaves_no_grudge_whatever_is_seen_first) {
  Mortal mortal;
  mortal.connect();
  mortal.b->withdraw();
  mortal.b.reset();
  cr_assert(until([&] { return mortal.at_a().state == PeerState::kIdle; }, mortal.a));
  cr_assert_eq(mortal.a.send(mortal.to_b, "x", 1), 0);
  cr_assert_eq(mortal.at_a().state, PeerState::kSeeking);
}

// As when it had ended this connection alone, lived on, and was killed later.
Test(loss, a_goodbye_that_is_read_after_the_death_was_seen_excuses_nothing) {
  Mortal mortal;
  mortal.connect();
  mortal.b->say_goodbye(mortal.b->peer("a"));
  mortal.b.reset();
  check_life(mortal.a.exchange, mortal.at_a());
  mortal.a.passes(2);
  cr_assert_eq(mortal.at_a().state, PeerState::kIdle);
  cr_assert_eq(mortal.a.send(mortal.to_b, "x", 1), 0);
  Event event;
  cr_assert(mortal.a.next(&event));
  cr_assert_eq(event.error, ECONNRESET);
}

Test(loss, after_a_crash_nobody_is_waited_for) {
  Mortal mortal;
  mortal.connect();
  mortal.b.reset();
  cr_assert(until([&] { return mortal.at_a().state == PeerState::kIdle; }, mortal.a));
  cr_assert_eq(mortal.a.send(mortal.to_b, "x", 1), 0);
  Event event;
  cr_assert(mortal.a.next(&event));
  cr_assert_eq(event.error, ECONNRESET);
  char in;
  cr_assert_eq(mortal.a.receive(&in, 1, 0, 0, mortal.to_b), 0);
  cr_assert(mortal.a.next(&event));
  cr_assert_eq(event.error, ECONNRESET);
  mortal.revive();
  cr_assert_eq(mortal.a.receive(&in, 1, 0, 0, mortal.to_b), 0);
  cr_assert_not(mortal.a.next(&event), "its name lives again");
  cr_assert_eq(mortal.b->send(mortal.to_a, "y", 1, 0, 0), 0);
  cr_assert_eq(await(mortal.a, *mortal.b).error, 0);
}

Test(loss, announcements_go_and_eager_messages_stay) {
  Mortal mortal;
  mortal.connect();
  cr_assert_eq(mortal.b->send(mortal.to_a, mortal.large.data(), mortal.large.size(), 1), 0);
  cr_assert_eq(mortal.b->send(mortal.to_a, "stays", 6, 2), 0);
  mortal.a.passes(2);
  cr_assert_eq(mortal.a.exchange.tagged.unexpected(), 2u);
  mortal.b.reset();
  cr_assert(until([&] { return mortal.at_a().state == PeerState::kIdle; }, mortal.a));
  cr_assert_eq(mortal.a.exchange.tagged.unexpected(), 1u);
  char in[6];
  cr_assert_eq(mortal.a.receive(in, sizeof in, 2), 0);
  cr_assert_eq(await(mortal.a).completion.length, 6u);
  cr_assert_str_eq(in, "stays");
}

Test(loss, a_transfer_on_its_way_fails_its_receive) {
  Mortal mortal;
  mortal.connect();
  std::vector<unsigned char> received(mortal.large.size());
  cr_assert_eq(mortal.a.receive(received.data(), received.size()), 0);
  cr_assert_eq(mortal.b->send(mortal.to_a, mortal.large.data(), mortal.large.size()), 0);
  mortal.a.passes(3);
  cr_assert_eq(mortal.a.exchange.incoming.size(), 1u);
  mortal.b->say_goodbye(mortal.b->peer("a"));
  const Event event = await(mortal.a);
  cr_assert_eq(event.error, ECONNRESET);
  cr_assert_eq(event.completion.context, received.data());
  cr_assert_eq(mortal.a.exchange.transfers.in_use(), 0u);
}

Test(loss, a_claimed_announcement_is_out_of_reach) {
  Mortal mortal;
  mortal.connect();
  cr_assert_eq(mortal.b->send(mortal.to_a, mortal.large.data(), mortal.large.size(), 1), 0);
  mortal.a.passes(2);
  char in;
  const iovec segment{&in, 1};
  WorkRequest work =
      mortal.a.request(WorkType::kTaggedReceive, kPeek | kClaim | kWantCompletion, &segment, 1, kAnyAddress, 1, 0);
  cr_assert_eq(peek_message(mortal.a.exchange, work), 0);
  cr_assert_eq(await(mortal.a).completion.length, mortal.large.size());
  mortal.b.reset();
  cr_assert(until([&] { return mortal.at_a().state == PeerState::kIdle; }, mortal.a));
  work.flags = kClaim | kWantCompletion;
  cr_assert_eq(receive_claimed(mortal.a.exchange, work), 0);
  cr_assert_eq(await(mortal.a).error, ECONNRESET);
}

// The next owner of the name knows nothing of the message, and would take an answer for nonsense.
Test(loss, a_message_of_the_former_owner_of_a_name_is_not_answered_to_the_next) {
  for (const bool claimed : {false, true}) {
    Mortal mortal;
    mortal.connect();
    const std::uint32_t flags = kWantCompletion | kDeliveryComplete;
    cr_assert_eq(mortal.b->send(mortal.to_a, "x", 1, 5, flags), 0);
    mortal.a.passes(2);
    char in = 0;
    const iovec segment{&in, 1};
    WorkRequest work = mortal.a.request(WorkType::kTaggedReceive, kPeek | kClaim, &segment, 1, kAnyAddress, 5, 0);
    if (claimed) cr_assert_eq(peek_message(mortal.a.exchange, work), 0);
    mortal.b.reset();
    cr_assert(until([&] { return mortal.at_a().state == PeerState::kIdle; }, mortal.a));
    mortal.revive();
    mortal.connect();
    work.flags = kClaim | kWantCompletion;
    cr_assert_eq(claimed ? receive_claimed(mortal.a.exchange, work) : mortal.a.receive(&in, 1, 5), 0);
    cr_assert_eq(await(mortal.a).error, 0);
    cr_assert_eq(in, 'x');
    mortal.b->passes(5);
    cr_assert_eq(mortal.b->peer("a").state, PeerState::kConnected);
  }
}

Test(loss, a_peer_that_breaks_the_protocol_is_dropped) {
  Mortal mortal;
  mortal.connect();
  cr_assert_eq(mortal.a.send(mortal.to_b, mortal.large.data(), mortal.large.size()), 0);
  cr_assert_eq(mortal.b->peer("a").channel->send({.operation = Operation::kNone}), 0);
  cr_assert_eq(await(mortal.a).error, EPROTO);
  cr_assert_eq(mortal.at_a().state, PeerState::kIdle);
}

Test(loss, a_stranger_is_forgotten) {
  Place place;
  Node a(place.device, "a");
  auto stranger = std::make_unique<Node>(place.device, "stranger");
  cr_assert_eq(stranger->send(stranger->insert("a"), "x", 1), 0);
  char in = 0;
  cr_assert_eq(a.receive(&in, 1), 0);
  cr_assert_eq(await(a, *stranger).completion.source, kAnyAddress);
  cr_assert_not_null(a.exchange.peers.numbered(0));
  stranger.reset();
  cr_assert(until([&] { return a.exchange.peers.numbered(0) == nullptr; }, a));
}

Test(loss, a_stranger_is_forgotten_with_the_last_message_it_left) {
  Place place;
  Node a(place.device, "a");
  auto stranger = std::make_unique<Node>(place.device, "stranger");
  cr_assert_eq(stranger->send(stranger->insert("a"), "x", 1), 0);
  cr_assert(until([&] { return a.exchange.tagged.unexpected() == 1; }, a, *stranger));
  stranger.reset();
  cr_assert(until([&] { return a.peer("stranger").state == PeerState::kIdle; }, a));
  char in = 0;
  cr_assert_eq(a.receive(&in, 1), 0);
  cr_assert_eq(await(a).completion.length, 1);
  cr_assert_eq(in, 'x');
  cr_assert_null(a.exchange.peers.numbered(0));
}

Test(loss, one_whose_address_is_removed_later_is_forgotten_then) {
  Mortal mortal;
  mortal.connect();
  mortal.b->say_goodbye(mortal.b->peer("a"));
  cr_assert(until([&] { return mortal.at_a().state == PeerState::kIdle; }, mortal.a));
  cr_assert_eq(mortal.a.addresses.remove(mortal.to_b), 0);
  mortal.a.progress();
  for (std::size_t i = 0; i < mortal.a.exchange.peers.size(); ++i) cr_assert_null(mortal.a.exchange.peers.numbered(i));
}

// A receive that cannot be told whether its source lives (no file descriptor left) is not ended.
Test(loss, a_shortage_is_not_taken_for_a_death) {
  EndpointSettings settings = quick();
  settings.directed_receive = true;
  Place place;
  ScarceDevice device(place.device);
  Node a(device, "a", settings), b(place.device, "b");
  const std::uint64_t to_b = a.insert("b");
  a.peer("b").gone = true;
  device.refuse(2);
  char in = 0;
  cr_assert_eq(a.receive(&in, 1, 0, 0, to_b), 0);
  cr_assert_eq(b.send(b.insert("a"), "x", 1, 0, 0), 0);
  cr_assert_eq(await(a, b).error, 0);
}
