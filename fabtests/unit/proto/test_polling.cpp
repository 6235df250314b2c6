// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <memory>

#include "node.h"
#include "proto/polling.h"
#include "proto/upkeep.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

// A hub and so many that sent it a message.
struct Star {
  explicit Star(unsigned count) {
    char in;
    for (unsigned i = 0; i < count; ++i) {
      nodes.push_back(std::make_unique<Node>(place.device, std::to_string(i)));
      cr_assert_eq(hub.receive(&in, 1), 0);
      cr_assert_eq(nodes[i]->send(nodes[i]->insert("hub"), "x", 1, 0, 0), 0);
      cr_assert_eq(await(hub, *nodes[i]).error, 0);
    }
  }
  Peer& peer(unsigned i) { return hub.peer(std::to_string(i)); }
  void send(unsigned i) { cr_assert_eq(nodes[i]->send(nodes[i]->addresses.find(named("hub")), "x", 1, 0, 0), 0); }
  // The first that the hub no longer polls.
  unsigned unpolled() {
    for (unsigned i = 0; i < nodes.size(); ++i)
      if (!peer(i).polled) return i;
    cr_assert_fail("all are polled");
    return 0;
  }

  Place place;
  Node hub{place.device, "hub"};
  std::vector<std::unique_ptr<Node>> nodes;
};

}  // namespace

Test(polling, a_few_are_polled_however_idle) {
  Star star(kFreePolls);
  star.hub.passes(3 * kIdlePolls);
  cr_assert_eq(star.hub.exchange.polled.size(), kFreePolls);
}

Test(polling, of_many_the_idle_ones_are_left_to_the_board) {
  Star star(kFreePolls + 3);
  cr_assert_eq(star.hub.exchange.polled.size(), kFreePolls + 3);
  star.hub.passes(2 * kIdlePolls);
  cr_assert_eq(star.hub.exchange.polled.size(), kFreePolls);
}

Test(polling, oneself_is_polled_among_however_many) {
  Star star(kFreePolls + 3);
  const std::uint64_t to_self = star.hub.insert("hub");
  char in = 0;
  for (unsigned turn = 0; turn < 2; ++turn) {
    cr_assert_eq(star.hub.receive(&in, 1), 0);
    cr_assert_eq(star.hub.send(to_self, "s", 1, 0, 0), 0);
    star.hub.passes(2);  // the first connects
    Event event;
    cr_assert(star.hub.next(&event));
    star.hub.passes(2 * kIdlePolls);
  }
}

// Its FIFO begins with what there is no room for: it is as silent as one that sends nothing.
Test(polling, one_whose_message_has_to_wait_counts_as_idle) {
  EndpointSettings settings = quick();
  settings.unexpected_limit = 0;
  Couple couple(settings);
  cr_assert_eq(couple.a.send(couple.to_b, "x", 1, 0, 0), 0);
  couple.b.passes(10);
  cr_assert_eq(couple.b.exchange.tagged.unexpected(), 0u);
  cr_assert_geq(couple.b.exchange.passes - couple.at_b().heard_in_pass, 9u);
  char in = 0;
  cr_assert_eq(couple.b.receive(&in, 1), 0);
  cr_assert_eq(await(couple.b).completion.length, 1u);
}

Test(polling, one_that_rings_is_polled_again) {
  Star star(kFreePolls + 3);
  star.hub.passes(2 * kIdlePolls);
  const unsigned quiet = star.unpolled();
  star.send(quiet);
  char in;
  cr_assert_eq(star.hub.receive(&in, 1), 0);
  star.hub.passes(3);  // two lines of the board, then the FIFO
  Event event;
  cr_assert(star.hub.next(&event));
  cr_assert(star.peer(quiet).polled);
}

// As when its sender read that it is polled just before that changed.
Test(polling, one_that_did_not_ring_is_found_by_the_sweep) {
  Star star(kFreePolls + 3);
  star.hub.passes(2 * kIdlePolls);
  const unsigned quiet = star.unpolled();
  star.peer(quiet).channel->set_polled(true);
  star.send(quiet);
  char in;
  cr_assert_eq(star.hub.receive(&in, 1), 0);
  star.hub.passes(kPassesPerUpkeep * (kFreePolls + 4) + 1);
  Event event;
  cr_assert(star.hub.next(&event));
}

Test(polling, a_broken_fifo_is_found_by_the_sweep) {
  Star star(kFreePolls + 3);
  star.hub.passes(2 * kIdlePolls);
  Peer& quiet = star.peer(star.unpolled());
  const std::uint32_t number = quiet.number;
  // It has sent one message; the second slot gets flags that nobody knows.
  auto* slots = reinterpret_cast<Slot*>(star.hub.exchange.region->header() + quiet.granted.offset +
                                        star.hub.exchange.geometry.slots_offset());
  slots[1].head.store(SlotHead::pack(2, SlotHead::kind(static_cast<std::uint8_t>(Operation::kEager), 0xff, 0)));
  star.hub.passes(kPassesPerUpkeep * (kFreePolls + 4) + 1);
  cr_assert_null(star.hub.exchange.peers.numbered(number), "a stranger that breaks the protocol is forgotten");
}

Test(polling, nonsense_behind_a_message_is_found_by_the_pass_that_takes_it) {
  Couple couple;
  couple.b.progress();
  const AwaitedMessage awaited = couple.at_b().channel->awaited();
  auto* slots = reinterpret_cast<Slot*>(const_cast<SharedWord*>(awaited.head));
  cr_assert_eq(couple.a.send(couple.to_b, "x", 1), 0);
  slots[1].head.store(
      SlotHead::pack(awaited.position + 1, SlotHead::kind(static_cast<std::uint8_t>(Operation::kEager), 0xff, 0)));
  couple.b.progress();
  cr_assert_eq(couple.b.exchange.tagged.unexpected(), 1u);
  cr_assert_eq(couple.at_b().state, PeerState::kLeaving);
}

Test(polling, each_gets_its_turn) {
  Couple couple;
  for (unsigned i = 0; i < 2 * kMessagesPerPoll; ++i) cr_assert_eq(couple.a.send(couple.to_b, "x", 1, 0, 0), 0);
  couple.b.progress();
  cr_assert_eq(couple.b.exchange.tagged.unexpected(), kMessagesPerPoll);
  couple.b.progress();
  cr_assert_eq(couple.b.exchange.tagged.unexpected(), 2 * kMessagesPerPoll);
}

Test(polling, a_contact_that_rings_again_and_again_is_answered_once) {
  Couple couple;
  Bell bell(couple.b.exchange.region->header() + kNotificationOffset + 5);
  for (unsigned i = 0; i < 10; ++i) {
    bell.ring();
    couple.b.exchange.passes = i * kPassesPerScan;
    poll_peers(couple.b.exchange);
  }
  cr_assert_eq(couple.b.exchange.contacts.size(), 1u);
}

Test(polling, bells_of_nobody_are_ignored) {
  Couple couple;
  for (std::uint32_t index = kContactEntries + 1; index < 2 * kCacheLine; ++index)
    Bell(couple.b.exchange.region->header() + kNotificationOffset + index).ring();
  couple.b.passes(4 * kPassesPerScan);
  cr_assert_eq(couple.b.exchange.polled.size(), 1u);
}

Test(polling, several_may_leave_in_one_pass) {
  Star star(8);
  for (unsigned i = 0; i < 8; i += 2) star.nodes[i]->say_goodbye(star.nodes[i]->peer("hub"));
  star.hub.passes(3);
  cr_assert_eq(star.hub.exchange.polled.size(), 4u);
  char in;
  for (unsigned i = 1; i < 8; i += 2) {
    star.send(i);
    cr_assert_eq(star.hub.receive(&in, 1), 0);
    cr_assert_eq(await(star.hub).error, 0);
  }
}

// Not by the one that took the message: the application is to hear of it first, and may answer.
Test(polling, where_messages_alternate_the_next_pass_returns_what_is_owed) {
  Couple couple;
  couple.b.passes(10);
  const SharedWord& tail = couple.head(couple.a, couple.at_a()).progress.tail;
  const std::uint64_t before = tail.load();
  const std::vector<unsigned char> bytes(1000);
  cr_assert_eq(couple.a.send(couple.to_b, bytes.data(), bytes.size(), 0, 0), 0);
  couple.b.progress();
  cr_assert_eq(couple.b.exchange.tagged.unexpected(), 1u);
  cr_assert_eq(tail.load(), before);
  couple.b.progress();
  cr_assert_eq(tail.load(), before + 1);
  cr_assert_eq(couple.a.send(couple.to_b, bytes.data(), bytes.size(), 0, 0), 0);
  couple.b.progress();
  cr_assert_eq(tail.load(), before + 2, "a stream");
}
