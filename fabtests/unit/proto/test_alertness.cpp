// SPDX-License-Identifier: BSD-2-Clause
#include <poll.h>

#include "distant_pair.h"
#include "proto/alertness.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

bool woken(Node& node) {
  pollfd wanted{node.exchange.region->wait_object(), POLLIN, 0};
  return ::poll(&wanted, 1, 0) == 1;
}

// More passes than anybody counts as drowsy after; upkeep comes along in between.
constexpr unsigned kLongAwake = 4096;

}  // namespace

Test(alertness, who_announces_sleep_has_polled_peers_ring) {
  Couple couple;
  couple.b.passes(10);
  cr_assert(couple.at_b().told);
  announce_sleep(couple.b.exchange);
  cr_assert(couple.b.exchange.sleep->asleep());
  cr_assert_not(couple.at_b().told);
  cr_assert(couple.at_b().polled, "it is looked at nevertheless");
  cr_assert_not(couple.b.exchange.unfenced);
}

Test(alertness, who_is_drowsy_stays_so_while_anybody_sleeps) {
  Couple couple;
  couple.b.exchange.sleepers = 1;
  announce_sleep(couple.b.exchange);
  couple.b.passes(kLongAwake);
  cr_assert(couple.b.exchange.sleep->asleep());
  couple.b.exchange.sleepers = 0;
  couple.b.passes(kLongAwake);
  cr_assert_not(couple.b.exchange.sleep->asleep());
  cr_assert(couple.at_b().told);
}

// Once for each time that a distant peer is told: a barrier of ours does not reach it.
Test(alertness, who_told_a_distant_peer_looks_later) {
  DistantPair pair;
  Exchange& exchange = pair.b.exchange;
  cr_assert_geq(exchange.region->wait_object(), 0);
  cr_assert(pair.at_b().told);
  const TimePoint before = Clock::now();
  announce_sleep(exchange);
  cr_assert_not(exchange.unfenced);
  cr_assert(exchange.settling && exchange.settled >= before + kSettling);
  exchange.settling = false;
  announce_sleep(exchange);
  cr_assert_not(exchange.settling, "it knows already");
  pair.b.passes(kLongAwake);
  cr_assert(pair.at_b().told && pair.at_a().channel->watched());
  announce_sleep(exchange);
  cr_assert(exchange.settling);
  cr_assert_not(pair.at_a().channel->watched());
}

Test(alertness, a_sleeper_is_roused_once) {
  Couple couple;
  cr_assert_geq(couple.b.exchange.region->wait_object(), 0);
  rouse(couple.b.exchange);
  cr_assert_not(woken(couple.b), "nobody sleeps");
  announce_sleep(couple.b.exchange);
  rouse(couple.b.exchange);
  cr_assert(woken(couple.b));
  couple.b.exchange.region->drain_wakes();
  rouse(couple.b.exchange);
  cr_assert_not(woken(couple.b), "it has been in this sleep");
  announce_sleep(couple.b.exchange);
  rouse(couple.b.exchange);
  cr_assert(woken(couple.b));
}

Test(alertness, credits_are_asked_for_while_something_waits_for_them) {
  Couple couple;
  for (int i = 0; i < 200; ++i) cr_assert_eq(couple.a.send(couple.to_b, "x", 1, 0, 0), 0);
  cr_assert_not(couple.a.exchange.backlogged.empty());
  announce_sleep(couple.a.exchange);
  cr_assert_eq(couple.a.exchange.starving.size(), 1u);
  announce_sleep(couple.a.exchange);
  cr_assert_eq(couple.a.exchange.starving.size(), 1u);
  char in;
  for (int i = 0; i < 200; ++i) cr_assert_eq(couple.b.receive(&in, 1), 0);
  cr_assert(until([&] { return couple.a.exchange.backlogged.empty(); }, couple.a, couple.b));
  announce_sleep(couple.a.exchange);
  cr_assert(couple.a.exchange.starving.empty());
}
