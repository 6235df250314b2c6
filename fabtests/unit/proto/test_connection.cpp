// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <memory>
#include <string>
#include <vector>

#include "connected_nodes.h"
#include "proto/loss.h"
#include "scarce_device.h"

using namespace anchor;
using namespace anchor::unit;

Test(connection, one_side_begins) {
  Place place;
  Node a(place.device, "a"), b(place.device, "b");
  seek_peer(a.exchange, a.peer("b"));
  cr_assert(until([&] { return connected(a, b); }, a, b));
  cr_assert_talk(a, "a", b, "b");
}

Test(connection, both_sides_begin_at_once) {
  for (unsigned order = 0; order < 4; ++order) {
    Place place;
    Node a(place.device, "a"), b(place.device, "b");
    seek_peer(a.exchange, a.peer("b"));
    seek_peer(b.exchange, b.peer("a"));
    cr_assert_eq(a.peer("b").state, PeerState::kAsked);
    cr_assert_eq(b.peer("a").state, PeerState::kAsked);
    if (order & 1) a.progress();
    if (order & 2) b.progress();
    cr_assert(until([&] { return connected(a, b); }, a, b));
    cr_assert_talk(a, "a", b, "b");
    cr_assert_eq(a.exchange.free_notifications.size(), kMaxPeers - 1, "one block each");
    cr_assert_eq(b.exchange.free_notifications.size(), kMaxPeers - 1);
    cr_assert(a.exchange.seeking.empty() && b.exchange.seeking.empty());
  }
}

Test(connection, oneself) {
  Place place;
  Node a(place.device, "a");
  const std::uint64_t to_a = a.insert("a");
  for (const std::size_t length : {std::size_t{8}, std::size_t{1000}, std::size_t{1} << 20}) {
    const auto sent = bytes_of(length);
    std::vector<unsigned char> received(length);
    cr_assert_eq(a.receive(received.data(), length), 0);
    cr_assert_eq(a.send(to_a, sent.data(), length, 0, 0), 0);
    cr_assert_eq(await(a).completion.length, length);
    cr_assert(received == sent);
  }
}

Test(connection, without_a_file_descriptor_it_takes_longer) {
  for (unsigned refusals = 1; refusals < 12; ++refusals) {
    Place place;
    ScarceDevice scarce(place.device);
    Node a(place.device, "a"), b(scarce, "b");
    scarce.refuse(refusals);
    seek_peer(a.exchange, a.peer("b"));
    cr_assert(until([&] { return connected(a, b); }, a, b), "b was short of %u", refusals);
    cr_assert_talk(a, "a", b, "b");
  }
  for (unsigned refusals = 1; refusals < 12; ++refusals) {
    Place place;
    ScarceDevice scarce(place.device);
    Node a(scarce, "a"), b(place.device, "b");
    seek_peer(a.exchange, a.peer("b"));
    scarce.refuse(refusals);
    cr_assert(until([&] { return connected(a, b); }, a, b), "a was short of %u", refusals);
    cr_assert_talk(a, "a", b, "b");
  }
}

Test(connection, one_that_ended_the_connection_by_itself_may_come_back) {
  Couple couple;
  disconnect(couple.a.exchange, couple.at_a());
  cr_assert_eq(couple.a.exchange.abandoned.size(), 1u, "b may write there still");
  cr_assert_eq(couple.at_b().state, PeerState::kConnected);
  char in = 0;
  cr_assert_eq(couple.b.receive(&in, 1), 0);
  cr_assert_eq(couple.a.send(couple.to_b, "x", 1, 0, 0), 0);
  cr_assert_eq(await(couple.b, couple.a).error, 0);
  cr_assert_talk(couple.a, "a", couple.b, "b");
}
