// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <memory>

#include "../os/log_capture.h"
#include "fifo/contact.h"
#include "node.h"
#include "proto/polling.h"
#include "proto/upkeep.h"
#include "scarce_device.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

bool connected(Node& a, Node& b) {
  const auto knows = [](Node& node, Node& other) {
    return node.exchange.peers.with_name(other.exchange.name).state == PeerState::kConnected;
  };
  return knows(a, b) && knows(b, a);
}

// Each sends the other a message and gets it.
void cr_assert_talk(Node& a, const std::string& name_of_a, Node& b, const std::string& name_of_b) {
  unsigned char in_a = 0, in_b = 0;
  cr_assert_eq(a.receive(&in_a, 1), 0);
  cr_assert_eq(b.receive(&in_b, 1), 0);
  cr_assert_eq(a.send(a.insert(name_of_b), "1", 1, 0, 0), 0);
  cr_assert_eq(b.send(b.insert(name_of_a), "2", 1, 0, 0), 0);
  cr_assert_eq(await(a, b).error, 0);
  cr_assert_eq(await(b, a).error, 0);
  cr_assert(in_a == '2' && in_b == '1');
}

std::size_t peers_of(const Node& node) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < node.exchange.peers.size(); ++i) count += node.exchange.peers.numbered(i) != nullptr;
  return count;
}

// a has asked b, which does nothing about it.
struct Asking {
  Asking() {
    seek_peer(a.exchange, peer());
    cr_assert_eq(peer().state, PeerState::kAsked);
  }
  Peer& peer() { return a.peer("b"); }
  Verdict grant(std::uint64_t incarnation, const BlockDescriptor& block) {
    return on_grant(a.exchange, peer(), forged(Operation::kGrant, GrantBody{incarnation, block}));
  }
  Verdict refuse(std::uint64_t incarnation, std::int64_t status) {
    return on_refuse(a.exchange, peer(), forged(Operation::kRefuse, RefuseBody{incarnation, status}));
  }

  Place place;
  Node a{place.device, "a"}, b{place.device, "b"};
};

}  // namespace

Test(connect, one_side_begins) {
  Place place;
  Node a(place.device, "a"), b(place.device, "b");
  seek_peer(a.exchange, a.peer("b"));
  cr_assert(until([&] { return connected(a, b); }, a, b));
  cr_assert_talk(a, "a", b, "b");
}

Test(connect, both_sides_begin_at_once) {
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

Test(connect, the_other_may_come_late) {
  Place place;
  Node a(place.device, "a");
  const std::uint64_t to_b = a.insert("b");
  cr_assert_eq(a.send(to_b, "x", 1, 7), 0);
  a.passes(200);
  cr_assert_eq(a.peer("b").state, PeerState::kSeeking);
  Node b(place.device, "b");
  char in = 0;
  cr_assert_eq(b.receive(&in, 1, 7), 0);
  cr_assert_eq(await(b, a).completion.length, 1u);
  cr_assert_eq(await(a).error, 0);
}

Test(connect, one_that_never_comes_is_given_up) {
  const LogCapture log;
  EndpointSettings settings = quick();
  settings.connect_timeout = Milliseconds{5};
  Place place;
  Node a(place.device, "a", settings);
  const std::uint64_t to_b = a.insert("b");
  for (unsigned turn = 0; turn < 2; ++turn) {
    cr_assert_eq(a.send(to_b, "x", 1), 0);
    cr_assert_eq(a.send(to_b, "y", 1), 0);
    cr_assert_eq(await(a).error, ETIMEDOUT);
    cr_assert_eq(await(a).error, ETIMEDOUT);
    cr_assert_eq(a.peer("b").state, PeerState::kIdle);
    cr_assert_eq(log.warnings(), turn + 1);
  }
  cr_assert(log.warned_of("FI_ANCHOR_CONNECT_TIMEOUT"));
  cr_assert_eq(a.exchange.sends.in_use(), 0u);
}

Test(connect, oneself) {
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

Test(connect, an_endpoint_without_memory_refuses) {
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

Test(connect, a_full_contact_table_is_waited_for) {
  Place place;
  Node a(place.device, "a"), b(place.device, "b");
  std::vector<std::unique_ptr<RemoteRegion>> holders(kContactEntries);
  for (unsigned i = 0; i < kContactEntries; ++i) {
    cr_assert_eq(place.device.attach(named("b"), &holders[i]), 0);
    cr_assert_eq(holders[i]->claim_contact(i), 0);
  }
  seek_peer(a.exchange, a.peer("b"));
  a.passes(200);
  cr_assert_eq(a.peer("b").state, PeerState::kSeeking);
  holders[40]->release_contact();
  cr_assert(until([&] { return connected(a, b); }, a, b));
}

Test(connect, without_a_file_descriptor_it_takes_longer) {
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

Test(connect, a_grant_that_makes_no_sense_is_malformed) {
  const LogCapture log;
  Asking asking;
  std::uint64_t offset;
  std::byte* memory;
  cr_assert_eq(asking.b.exchange.region->allocate(asking.b.exchange.geometry.size(), &offset, &memory), 0);
  const BlockDescriptor good{offset, 64, 24448, 100, 0};
  const std::uint64_t ours = asking.a.exchange.incarnation;
  cr_assert_eq(asking.grant(ours + 1, good), Verdict::kMalformed);
  for (const BlockDescriptor& bad :
       {BlockDescriptor{0, 64, 24448, 100, 0}, BlockDescriptor{offset + 64, 64, 24448, 100, 0},
        BlockDescriptor{1ull << 40, 64, 24448, 100, 0}, BlockDescriptor{~std::uint64_t{4095}, 64, 24448, 100, 0},
        BlockDescriptor{offset, 63, 24448, 100, 0}, BlockDescriptor{offset, 64, 24449, 100, 0},
        BlockDescriptor{offset, 65536, 122880, 100, 0}, BlockDescriptor{offset, 64, 24448, kNotifications, 0}})
    cr_assert_eq(asking.grant(ours, bad), Verdict::kMalformed);
  cr_assert_eq(asking.peer().state, PeerState::kAsked);
  cr_assert_eq(asking.grant(ours, good), Verdict::kTaken);
  cr_assert_eq(asking.peer().state, PeerState::kConnected);
  cr_assert_eq(asking.grant(ours, BlockDescriptor{}), Verdict::kTaken, "the second way to the same end");
}

Test(connect, a_refusal_ends_the_attempt_if_it_is_meant_for_us) {
  for (const auto& [status, error] : {std::pair<std::int64_t, int>{-ENOSPC, ENOSPC}, {0, EPROTO}, {-4096, EPROTO}}) {
    Asking asking;
    cr_assert_eq(asking.refuse(asking.a.exchange.incarnation + 1, -ENOSPC), Verdict::kMalformed);
    cr_assert_eq(asking.peer().state, PeerState::kAsked);
    cr_assert_eq(asking.refuse(asking.a.exchange.incarnation, status), Verdict::kTaken);
    cr_assert_eq(asking.peer().loss, error);
    cr_assert_eq(asking.refuse(asking.a.exchange.incarnation, status), Verdict::kMalformed);
  }
}

Test(connect, requests_that_make_no_sense_are_ignored) {
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

Test(connect, one_that_dies_while_it_is_asked_is_sought_again) {
  Place place;
  Node a(place.device, "a");
  auto b = std::make_unique<Node>(place.device, "b");
  cr_assert_eq(a.send(a.insert("b"), "x", 1), 0);
  cr_assert_eq(a.peer("b").state, PeerState::kAsked);
  b.reset();
  cr_assert(until([&] { return a.peer("b").state == PeerState::kSeeking; }, a));
  b = std::make_unique<Node>(place.device, "b");
  char in = 0;
  cr_assert_eq(b->receive(&in, 1), 0);
  cr_assert_eq(await(*b, a).completion.length, 1u);
}

Test(connect, a_request_of_the_next_incarnation_ends_the_connection_with_the_former) {
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

// b answers, sends and goes while a computes.
Test(connect, what_one_sent_that_has_gone_again_is_received) {
  for (const bool checked_first : {false, true}) {
    Place place;
    Node a(place.device, "a");
    auto b = std::make_unique<Node>(place.device, "b");
    char in = 0;
    cr_assert_eq(a.receive(&in, 1, 5), 0);
    cr_assert_eq(a.send(a.insert("b"), "1", 1, 4), 0);
    cr_assert_eq(b->send(b->insert("a"), "2", 1, 5, 0), 0);
    b->passes(3 * kPassesPerScan);
    cr_assert_eq(b->peer("a").state, PeerState::kConnected);
    b->say_goodbye(b->peer("a"));
    b.reset();
    a.exchange.last_check -= Milliseconds{1000};
    if (checked_first) upkeep(a.exchange);
    cr_assert_eq(await(a).completion.tag, 5u);
    cr_assert_eq(in, '2');
    cr_assert_eq(await(a).error, ECONNRESET);
  }
}

Test(connect, one_that_ended_the_connection_by_itself_may_come_back) {
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

Test(connect, who_breaks_connections_again_and_again_gets_no_more) {
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

Test(connect, receives_from_one_never_spoken_to_end_when_it_dies) {
  EndpointSettings settings = quick();
  settings.directed_receive = true;
  for (const bool answers : {false, true}) {
    Place place;
    Node a(place.device, "a", settings), b(place.device, "b");
    char in;
    cr_assert_eq(a.receive(&in, 1, 0, 0, a.insert("b")), 0);
    if (answers) b.passes(3 * kPassesPerScan);
    a.passes(3 * kPassesPerScan);
    b.crash();
    cr_assert_eq(await(a).error, ECONNRESET);
  }
}

Test(connect, a_receive_waits_for_one_that_comes_late) {
  EndpointSettings settings = quick();
  settings.directed_receive = true;
  settings.connect_timeout = Milliseconds{1};
  const LogCapture log;
  Place place;
  Node a(place.device, "a", settings);
  char in = 0;
  cr_assert_eq(a.receive(&in, 1, 0, 0, a.insert("b")), 0);
  cr_assert(until([&] { return a.peer("b").state == PeerState::kIdle; }, a));
  cr_assert_eq(log.warnings(), 0);
  Node b(place.device, "b");
  cr_assert_eq(b.send(b.insert("a"), "x", 1), 0);
  cr_assert_eq(await(a, b).completion.length, 1u);
}

// Another process that gives our memory out as its own.
Test(connect, memory_of_this_process_is_not_a_strangers) {
  const LogCapture log;
  Place place;
  Node a(place.device, "a"), b(place.device, "b");
  const DirectCopyOffer offer = a.exchange.own_offer();
  Child liar([&](const Meeting& meeting) {
    std::unique_ptr<LocalRegion> region;
    if (place.device.create(named("liar"), kHeaderSize, &region) != 0) return 1;
    publish_anchor_record(region->header(), named("liar"), 1, offer);
    if (region->publish() != 0) return 2;
    meeting.tell();
    meeting.await();
    return 0;
  });
  cr_assert(liar.await());
  for (const char* name : {"liar", "b"}) seek_peer(a.exchange, a.peer(name));
  cr_assert_not_null(a.peer("liar").region);
  open_direct(a.exchange, a.peer("liar"));
  cr_assert_null(a.peer("liar").direct);
  cr_assert(LogCapture::warned_of("not known to be of this"));
  open_direct(a.exchange, a.peer("b"));
  cr_assert_not_null(a.peer("b").direct);
}
