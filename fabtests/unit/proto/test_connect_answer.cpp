// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <memory>

#include "../os/log_capture.h"
#include "connected_nodes.h"
#include "fifo/contact.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

std::size_t peers_of(const Node& node) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < node.exchange.peers.size(); ++i) count += node.exchange.peers.numbered(i) != nullptr;
  return count;
}

}  // namespace

Test(connect_answer, an_endpoint_without_memory_refuses) {
  const LogCapture log;
  Place place;
  ShmSettings small;
  small.directory = place.scratch.path();
  small.region_limit = kHeaderSize;
  ShmDevice small_device(small);
  Node a(place.device, "a"), b(small_device, "b");
  cr_assert_eq(a.send(a.insert("b"), "x", 1), 0);
  cr_assert_eq(await(a, b).error, ENOSPC);
  cr_assert(log.warned_of("no memory for its FIFO"));
  cr_assert_eq(a.exchange.free_notifications.size(), kMaxPeers);
  cr_assert_eq(peers_of(b), 0u);
  cr_assert_eq(b.send(b.insert("a"), "x", 1), 0);
  cr_assert_eq(await(b, a).error, ENOSPC, "nor can it ask");
}

Test(connect_answer, requests_that_make_no_sense_are_ignored) {
  Place place;
  Node a(place.device, "a"), b(place.device, "b");
  AnchorContents contents{};
  contents.contact_offset = kContactOffset;
  const auto answered = [&](const EndpointName& name, std::uint64_t incarnation, const BlockDescriptor& block) {
    post_contact(b.exchange.region->header(), contents, 0, {name, incarnation, block});
    return answer_contact(b.exchange, 0);
  };
  const BlockDescriptor block{kHeaderSize, 64, 12160, 64, 0};
  cr_assert(answered(EndpointName{}, 1, block));
  cr_assert(answered(EndpointName::from("nonsense"), 1, block));
  cr_assert(answered(b.exchange.name, b.exchange.incarnation, block));
  cr_assert(answered(named("nobody"), 1, block));
  cr_assert(answered(a.exchange.name, a.exchange.incarnation + 1, block), "another incarnation");
  const LogCapture log;
  cr_assert(answered(a.exchange.name, a.exchange.incarnation, {kHeaderSize + (1u << 30), 64, 12160, 64, 0}));
  cr_assert_eq(peers_of(b), 0u);
  cr_assert_eq(b.exchange.free_notifications.size(), kMaxPeers);
}

Test(connect_answer, a_request_of_the_next_incarnation_ends_the_connection_with_the_former) {
  EndpointSettings patient = quick();
  patient.liveness_interval = Milliseconds{1'000'000};  // only the request tells
  Place place;
  Node a(place.device, "a", patient);
  const std::uint64_t to_b = a.insert("b");
  auto b = std::make_unique<Node>(place.device, "b");
  seek_peer(a.exchange, a.peer("b"));
  cr_assert(until([&] { return connected(a, *b); }, a, *b));
  const auto bytes = bytes_of(100'000);
  cr_assert_eq(a.send(to_b, bytes.data(), bytes.size()), 0);
  b.reset();
  b = std::make_unique<Node>(place.device, "b");
  seek_peer(b->exchange, b->peer("a"));
  cr_assert(until([&] { return connected(a, *b); }, a, *b));
  cr_assert_eq(await(a).error, ECONNRESET);
  cr_assert_talk(a, "a", *b, "b");
}

Test(connect_answer, who_breaks_connections_again_and_again_gets_no_more) {
  const LogCapture log;
  Couple couple;
  for (unsigned broken = 1; broken <= 4; ++broken) {
    cr_assert_eq(couple.at_b().channel->send({.operation = Operation::kNone}), 0);
    cr_assert(until([&] { return couple.at_a().state == PeerState::kIdle; }, couple.a));
    cr_assert_eq(couple.a.exchange.abandoned.size(), broken);
    cr_assert(until([&] { return couple.at_b().state == PeerState::kIdle; }, couple.b), "a said goodbye");
    if (broken < 4) couple.connect();
  }
  cr_assert_eq(couple.b.send(couple.to_a, "x", 1), 0);
  cr_assert_eq(await(couple.b, couple.a).error, EPROTO);
  cr_assert_eq(couple.a.send(couple.to_b, "x", 1), 0);
  cr_assert_eq(await(couple.a).error, EPROTO);
  cr_assert(log.warned_of("it has to be restarted"));
  couple.b.crash();
  cr_assert(until([&] { return couple.a.exchange.abandoned.empty(); }, couple.a));
  cr_assert_eq(couple.a.exchange.free_notifications.size(), kMaxPeers, "the dead write no more");
}
