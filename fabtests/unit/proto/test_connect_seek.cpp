// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <memory>
#include <utility>
#include <vector>

#include "../os/child_process.h"
#include "../os/log_capture.h"
#include "connected_nodes.h"
#include "dma/shm_region.h"
#include "proto/polling.h"
#include "proto/upkeep.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

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

// All entries of b's contact table, as other peers hold them.
struct Crowd {
  explicit Crowd(Device& device) : holders(kContactEntries) {
    for (unsigned i = 0; i < kContactEntries; ++i) {
      cr_assert_eq(device.attach(named("b"), &holders[i]), 0);
      cr_assert_eq(holders[i]->claim_contact(i), 0);
    }
  }
  std::vector<std::unique_ptr<RemoteRegion>> holders;
};

}  // namespace

Test(connect_seek, the_other_may_come_late) {
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

Test(connect_seek, one_that_never_comes_is_given_up) {
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

Test(connect_seek, a_full_contact_table_is_waited_for) {
  Place place;
  Node a(place.device, "a"), b(place.device, "b");
  const Crowd crowd(place.device);
  seek_peer(a.exchange, a.peer("b"));
  a.passes(200);
  cr_assert_eq(a.peer("b").state, PeerState::kSeeking);
  crowd.holders[40]->release_contact();
  cr_assert(until([&] { return connected(a, b); }, a, b));
}

Test(connect_seek, a_grant_that_makes_no_sense_is_malformed) {
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

Test(connect_seek, a_refusal_ends_the_attempt_if_it_is_meant_for_us) {
  for (const auto& [status, error] : {std::pair<std::int64_t, int>{-ENOSPC, ENOSPC}, {0, EPROTO}, {-4096, EPROTO}}) {
    Asking asking;
    cr_assert_eq(asking.refuse(asking.a.exchange.incarnation + 1, -ENOSPC), Verdict::kMalformed);
    cr_assert_eq(asking.peer().state, PeerState::kAsked);
    cr_assert_eq(asking.refuse(asking.a.exchange.incarnation, status), Verdict::kTaken);
    cr_assert_eq(asking.peer().loss, error);
    cr_assert_eq(asking.refuse(asking.a.exchange.incarnation, status), Verdict::kMalformed);
  }
}

Test(connect_seek, one_that_closes_while_it_is_asked_is_sought_again) {
  Place place;
  Node a(place.device, "a");
  auto b = std::make_unique<Node>(place.device, "b");
  cr_assert_eq(a.send(a.insert("b"), "x", 1), 0);
  cr_assert_eq(a.peer("b").state, PeerState::kAsked);
  b->withdraw();
  b.reset();
  cr_assert(until([&] { return a.peer("b").state == PeerState::kSeeking; }, a));
  b = std::make_unique<Node>(place.device, "b");
  char in = 0;
  cr_assert_eq(b->receive(&in, 1), 0);
  cr_assert_eq(await(*b, a).completion.length, 1u);
}

Test(connect_seek, one_that_dies_while_it_is_asked_is_not_waited_for) {
  Asking asking;
  const std::uint64_t to_b = asking.a.insert("b");
  cr_assert_eq(asking.a.send(to_b, "x", 1), 0);
  asking.b.crash();
  cr_assert_eq(await(asking.a).error, ECONNRESET);
  cr_assert_eq(asking.a.send(to_b, "y", 1), 0);
  Event event;
  cr_assert(asking.a.next(&event), "at once");
  cr_assert_eq(event.error, ECONNRESET);
}

// Somebody cut its file, and zeros are where its record was.
Test(connect_seek, one_whose_region_was_cut_counts_as_dead) {
  Asking asking;
  cr_assert_eq(asking.a.send(asking.a.insert("b"), "x", 1), 0);
  const std::string file = region_path(asking.place.scratch.path(), named("b"));
  cr_assert_eq(::truncate(file.c_str(), 0), 0);
  cr_assert_eq(await(asking.a).error, ECONNRESET);
}

// Its contact table was full, so it was never asked.
Test(connect_seek, one_that_dies_before_it_can_be_asked_is_not_waited_for) {
  for (const bool closes : {false, true}) {
    Place place;
    Node a(place.device, "a"), b(place.device, "b");
    const Crowd crowd(place.device);
    cr_assert_eq(a.send(a.insert("b"), "x", 1), 0);
    cr_assert_not_null(a.peer("b").region.get());
    if (closes) b.withdraw();
    b.crash();
    Event event;
    cr_assert(until([&] { return closes ? !a.peer("b").region : a.next(&event); }, a));
    cr_assert_eq(event.error, closes ? 0 : ECONNRESET);
    cr_assert_eq(a.peer("b").state, closes ? PeerState::kSeeking : PeerState::kIdle);
    cr_assert_eq(a.peer("b").granted.offset, 0u, "what was made for it");
  }
}

// Its region lies there still. Somebody may have an ordinary name next.
Test(connect_seek, one_that_died_before_it_was_met_is_not_waited_for_if_its_name_is_unique) {
  for (const bool unique : {false, true}) {
    Place place;
    Node a(place.device, "a");
    const std::string name = unique ? "77-0123456789abcdef" : "b";
    Child owner([&](const Meeting& meeting) {
      const Node b(place.device, name);
      meeting.tell();
      meeting.await();
      return 0;
    });
    cr_assert(owner.await());
    owner.kill();
    cr_assert_eq(a.send(a.insert(name), "x", 1), 0);
    if (unique) cr_assert_eq(await(a).error, ECONNRESET);
    cr_assert_eq(a.peer(name).state, unique ? PeerState::kIdle : PeerState::kSeeking);
  }
}

Test(connect_seek, one_that_left_is_not_waited_for_if_its_name_is_unique) {
  for (const bool unique : {false, true}) {
    Place place;
    Node a(place.device, "a");
    const std::string name = unique ? "77-0123456789abcdef" : "b";
    auto b = std::make_unique<Node>(place.device, name);
    cr_assert_eq(b->send(b->insert("a"), "x", 1, 0, 0), 0);
    cr_assert(until([&] { return b->peer("a").state == PeerState::kConnected; }, a, *b));
    b->say_goodbye(b->peer("a"));
    b->withdraw();
    b.reset();
    cr_assert(until([&] { return a.peer(name).state == PeerState::kIdle; }, a));
    cr_assert_eq(a.send(a.insert(name), "x", 1), 0);
    if (unique) cr_assert_eq(await(a).error, ECONNRESET);
    cr_assert_eq(a.peer(name).state, unique ? PeerState::kIdle : PeerState::kSeeking);
  }
}

// b answers, sends and goes while a computes.
Test(connect_seek, what_one_sent_that_has_gone_again_is_received) {
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

Test(connect_seek, receives_from_one_never_spoken_to_end_when_it_dies) {
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

Test(connect_seek, a_receive_waits_for_one_that_comes_late) {
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
