// SPDX-License-Identifier: BSD-2-Clause
#include <poll.h>

#include "../proto/distant_pair.h"
#include "proto/alertness.h"
#include "proto/loss.h"
#include "proto/polling.h"
#include "sleeping_node.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

bool woken(Node& node) {
  pollfd wanted{node.exchange.region->wait_object(), POLLIN, 0};
  return ::poll(&wanted, 1, 0) == 1;
}

}  // namespace

Test(sleeping, a_message_wakes) {
  Couple couple(patient());
  settle(couple.b);
  cr_assert_not(woken(couple.b));
  for (int i = 0; i < 3; ++i) cr_assert_eq(couple.a.send(couple.to_b, "x", 1), 0);
  cr_assert(woken(couple.b));
  char byte[1];
  cr_assert(asleep(couple.b) == false, "messages are there");
  settle(couple.b);
  cr_assert_eq(couple.b.receive(byte, 1), 0);
  cr_assert_not(woken(couple.b));
}

Test(sleeping, a_message_that_is_there_keeps_awake) {
  Couple couple(patient());
  settle(couple.b);
  cr_assert_eq(couple.a.send(couple.to_b, "x", 1), 0);
  cr_assert_not(asleep(couple.b));
}

Test(sleeping, a_request_for_a_connection_wakes) {
  Place place;
  Node a(place.device, "a", patient()), b(place.device, "b", patient());
  settle(b);
  seek_peer(a.exchange, a.peer("b"));
  cr_assert(woken(b));
  settle(a);
  cr_assert(until([&] { return b.peer("a").state == PeerState::kConnected; }, b));
  cr_assert(woken(a), "the answer wakes the one who asked");
}

Test(sleeping, credits_wake_only_who_waits_for_them) {
  Couple couple(patient());
  char in[1];
  settle(couple.a);
  for (int i = 0; i < 40; ++i) cr_assert_eq(couple.a.send(couple.to_b, "x", 1, 0, 0), 0);
  couple.a.passes(1);
  settle(couple.a);
  couple.b.passes(10);
  cr_assert_not(woken(couple.a));
  for (int i = 0; i < 200; ++i) cr_assert_eq(couple.a.send(couple.to_b, "x", 1, 0, 0), 0);
  cr_assert_not(couple.at_a().waiting.empty());
  settle(couple.a);
  cr_assert_not(woken(couple.a));
  for (int i = 0; i < 100; ++i) cr_assert_eq(couple.b.receive(in, 1), 0);
  couple.b.passes(10);
  cr_assert(woken(couple.a));
}

// All that b can do for the long message is to wait for its sender, which makes no pass.
Test(sleeping, credits_of_what_the_last_look_found_are_returned_before) {
  EndpointSettings settings = patient();
  settings.direct_copy = false;
  Couple couple(settings);
  Node c(couple.place.device, "c", settings);
  const std::vector<unsigned char> sent = bytes_of(1 << 20);
  std::vector<unsigned char> in(sent.size()), little(1000);
  cr_assert_eq(couple.b.receive(in.data(), in.size(), 7), 0);
  cr_assert_eq(couple.b.receive(little.data(), little.size(), 1), 0);
  cr_assert_eq(c.send(c.insert("b"), sent.data(), sent.size(), 7), 0);
  cr_assert(until([&] { return !couple.b.exchange.incoming.empty(); }, couple.b, c));
  couple.b.passes(3000);

  const SharedWord& tail = couple.head(couple.a, couple.at_a()).progress.tail;
  cr_assert_eq(tail.load(), 0u);
  // It crosses with the decision to sleep.
  cr_assert_eq(couple.a.send(couple.to_b, sent.data(), little.size(), 1), 0);
  cr_assert(asleep(couple.b));
  cr_assert_eq(tail.load(), 1u);
}

Test(sleeping, new_work_rouses_who_sleeps_already) {
  Couple couple(patient());
  for (int i = 0; i < 64; ++i) cr_assert_eq(couple.a.send(couple.to_b, "x", 1, 0, 0), 0);
  settle(couple.a);
  cr_assert_not(woken(couple.a));
  cr_assert_eq(couple.a.send(couple.to_b, "x", 1, 0, 0), 0);
  cr_assert(woken(couple.a));
}

Test(sleeping, a_message_to_oneself_wakes) {
  Place place;
  Node a(place.device, "a", patient());
  const std::uint64_t self = a.insert("a");
  char in[2];
  cr_assert_eq(a.receive(in, 1), 0);
  cr_assert_eq(a.send(self, "x", 1, 0, 0), 0);
  await(a);
  settle(a);
  cr_assert_not(woken(a));
  cr_assert_eq(a.send(self, "y", 1, 0, 0), 0);
  cr_assert(woken(a));
}

Test(sleeping, who_polls_for_long_is_not_rung_for_any_more) {
  Couple couple(patient());
  settle(couple.b);
  cr_assert(couple.b.exchange.sleep->asleep());
  cr_assert_not(couple.at_b().told);
  couple.b.passes(3000);
  cr_assert_not(couple.b.exchange.sleep->asleep());
  cr_assert(couple.at_b().told);
  cr_assert_eq(couple.a.send(couple.to_b, "x", 1), 0);
  cr_assert_not(woken(couple.b));
}

Test(sleeping, a_fifo_that_is_left_to_the_board_is_looked_at_once_more) {
  Couple couple(patient());
  couple.b.passes(100);
  cr_assert(couple.at_b().told);
  // As if the message had crossed with the decision: its writer still saw that it is polled.
  cr_assert_eq(couple.a.send(couple.to_b, "x", 1), 0);
  stop_polling(couple.b.exchange, couple.at_b());
  cr_assert_not(asleep(couple.b));
}

// By the upkeep of the very pass that looks again.
Test(sleeping, who_was_found_dead_at_last_is_seen_off_soon) {
  Couple couple(patient());
  settle(couple.b);
  couple.a.crash();
  Exchange& exchange = couple.b.exchange;
  exchange.alarm = TimePoint::max();
  exchange.last_check -= Milliseconds{120'000};
  exchange.until_upkeep = 1;
  TimePoint alarm = TimePoint::max();
  cr_assert(fall_asleep(exchange, &alarm));
  cr_assert_eq(couple.at_b().state, PeerState::kLeaving);
  cr_assert(alarm <= Clock::now() + Milliseconds{1});
}

Test(sleeping, the_alarm_is_for_the_living) {
  Couple couple;
  TimePoint alarm = TimePoint::max();
  cr_assert(until([&] { return fall_asleep(couple.b.exchange, &alarm); }, couple.b));
  cr_assert(alarm <= Clock::now() + Milliseconds{100});
  couple.a.crash();
  Event event;
  char in[1];
  cr_assert_eq(couple.b.receive(in, 1), 0);
  cr_assert(until(
      [&] {
        TimePoint next = TimePoint::max();
        fall_asleep(couple.b.exchange, &next);
        return couple.at_b().state == PeerState::kIdle || couple.b.next(&event);
      },
      couple.b));
}

// Its receiver tells where it belongs, and nobody tells the sender anything more before all is there.
Test(sleeping, what_is_put_where_it_belongs_keeps_awake) {
  DistantPair pair;
  const auto sent = bytes_of(kPlacedBytes);
  cr_assert_eq(pair.b.receive(pair.memory, kPlacedBytes), 0);
  cr_assert_eq(pair.a.send(pair.to_b, sent.data(), sent.size()), 0);
  cr_assert(until([&] { return !pair.b.exchange.incoming.empty(); }, pair.b));
  cr_assert_not(asleep(pair.a), "a part of it has gone");
  const SendRequest* request = pair.a.exchange.streaming.front();
  cr_assert(request != nullptr && request->position != 0 && request->position < request->wanted);
  cr_assert_not(asleep(pair.a), "nothing comes that would wake it");
  while (!pair.a.exchange.streaming.empty()) pair.a.progress();
  cr_assert(asleep(pair.a));
  cr_assert_eq(await(pair.b).error, 0);
}

namespace {

// Has a find again what it had been told, as if b's news that it sleeps were still on its way.
void tell_that_b_polls(DistantPair& pair) {
  Mapping block;
  cr_assert_eq(pair.at_b().region->map(pair.at_b().received.offset, pair.a.exchange.geometry.size(), &block), 0);
  block_head(block.data()).status.polled.store(1);
}

bool wakes(Node& node) {
  pollfd wanted{node.exchange.region->wait_object(), POLLIN, 0};
  return ::poll(&wanted, 1, 20'000) == 1;
}

// A message that nobody rang for, sent when b sleeps already. Keeping the time, b has not looked again since.
void send_unnoticed(DistantPair& pair) {
  settle(pair.b);
  cr_assert(pair.b.exchange.settling);
  tell_that_b_polls(pair);
  cr_assert(pair.at_a().channel->watched());
  cr_assert_eq(pair.a.send(pair.to_b, "x", 1, 0, 0), 0);
  cr_assert(wakes(pair.b));
  cr_assert_not(asleep(pair.b), "there is a message");
}

}  // namespace

Test(sleeping, a_message_that_crosses_between_hosts_is_found) {
  DistantPair pair(patient());
  cr_assert_eq(pair.device_b->keep(), 0);
  pair.b.passes(100);
  send_unnoticed(pair);
  settle(pair.b);
  cr_assert_not(pair.b.exchange.settling, "once is enough");
}

Test(sleeping, it_is_found_where_it_was_left_to_the_board) {
  DistantPair pair(patient());
  cr_assert_eq(pair.device_b->keep(), 0);
  pair.b.passes(100);
  cr_assert(pair.at_b().told);
  stop_polling(pair.b.exchange, pair.at_b());
  send_unnoticed(pair);
  cr_assert(pair.at_b().polled, "the message had it polled again");
}

// What it sent last finds no room in our queue, so it leaves slowly; there is nothing to be stored any more.
Test(sleeping, whoever_is_leaving_is_not_stored_to) {
  DistantPair pair;
  const auto sent = bytes_of(kPlacedBytes);
  cr_assert_eq(pair.b.receive(pair.memory, kPlacedBytes), 0);
  cr_assert_eq(pair.a.send(pair.to_b, sent.data(), sent.size()), 0);
  cr_assert(until([&] { return !pair.b.exchange.incoming.empty(); }, pair.b));
  pair.a.progress();
  while (!pair.a.queue.full()) pair.a.queue.push({});
  cr_assert_eq(pair.b.send(pair.b.insert("a"), "x", 1), 0);
  begin_loss(pair.a.exchange, pair.at_a(), ECONNRESET);
  pair.a.progress();
  cr_assert_eq(pair.at_a().state, PeerState::kLeaving);
  cr_assert_not(pair.a.exchange.streaming.empty());
  cr_assert(asleep(pair.a));
}

// As in a loop of blocking reads that wait for less than a nap.
Test(sleeping, what_is_due_is_not_put_off_by_who_falls_asleep_again) {
  Couple couple(patient());
  settle(couple.b);
  Exchange& exchange = couple.b.exchange;
  cr_assert_not(exchange.deaths_told, "a has no pipe");
  exchange.alarm = TimePoint::max();  // nothing is due, and
  exchange.kept_up = {};              // has not been for long
  const TimePoint due = Clock::now() + std::chrono::microseconds(500);
  exchange.next_look = due;
  TimePoint alarm = TimePoint::max();
  cr_assert(fall_asleep(exchange, &alarm));
  cr_assert(alarm > due, "no shorter than a nap");
  while (Clock::now() < due) {
  }
  cr_assert(asleep(couple.b));
  cr_assert(exchange.next_look > due, "nobody has looked");
}

// A peer may come by what another sleeper does.
Test(sleeping, who_has_no_peers_sleeps_until_an_alarm_too) {
  Place place;
  Node a(place.device, "a", patient());
  settle(a);
  TimePoint alarm = TimePoint::max();
  cr_assert(fall_asleep(a.exchange, &alarm));
  cr_assert(alarm > Clock::now());
  cr_assert(alarm <= Clock::now() + 5 * a.exchange.settings.liveness_interval);
}

Test(sleeping, what_is_due_is_done_once_a_nap_however_often_it_is) {
  Couple couple(patient());
  settle(couple.b);
  Exchange& exchange = couple.b.exchange;
  cr_assert_not(exchange.deaths_told, "a has no pipe");
  const TimePoint due = Clock::now();
  exchange.alarm = exchange.next_look = due;
  exchange.kept_up = due + Milliseconds{60'000};  // the nap is not over for long
  cr_assert(asleep(couple.b));
  cr_assert(exchange.next_look == due);
  exchange.kept_up = {};
  cr_assert(asleep(couple.b));
  cr_assert(exchange.next_look > due);
}
