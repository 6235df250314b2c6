// SPDX-License-Identifier: BSD-2-Clause
#include "proto/upkeep.h"

#include <algorithm>
#include <cerrno>

#include "proto/alertness.h"
#include "proto/area.h"
#include "proto/connect.h"
#include "proto/connection.h"
#include "proto/loss.h"
#include "proto/polling.h"
#include "proto/rendezvous.h"

namespace anchor {
namespace {

void retry_searches(Exchange& exchange, TimePoint now) {
  for (std::size_t i = exchange.seeking.size(); i-- > 0;) {
    Peer& peer = *exchange.seeking[i];
    if (peer.state == PeerState::kSeeking && now >= peer.next_attempt) try_connect(exchange, peer);
    i = std::min(i, exchange.seeking.size());
  }
}

// Rotates over all peers once in each liveness_interval.
void check_liveness(Exchange& exchange, TimePoint now, std::size_t most) {
  const std::size_t count = exchange.peers.size() + exchange.abandoned.size();
  const auto elapsed = std::chrono::duration_cast<std::chrono::microseconds>(now - exchange.last_check);
  const auto interval = std::chrono::microseconds(exchange.settings.liveness_interval);
  auto due = static_cast<std::size_t>(count * elapsed.count() / std::max<std::int64_t>(interval.count(), 1));
  if (due == 0) return;
  exchange.last_check = now;
  release_abandoned(exchange);
  for (due = std::min({due, count, most}); due != 0; --due) {
    if (++exchange.next_to_check >= exchange.peers.size()) exchange.next_to_check = 0;
    if (exchange.next_to_check >= exchange.peers.size()) return;
    if (Peer* peer = exchange.peers.numbered(exchange.next_to_check)) check_life(exchange, *peer);
  }
}

void enlarge_areas(Exchange& exchange) {
  if (exchange.areas_left == 0) return;
  for (const PolledPeer& polled : exchange.polled) consider_larger_area(exchange, *polled.peer);
}

// Whether few passes are made. Settles when the next upkeep is: rarer step by step, for several quick passes in a row
// need not mean that many will follow.
bool comes_seldom(Exchange& exchange, TimePoint now) {
  const std::uint32_t passes = exchange.upkeep_interval - exchange.until_upkeep;
  const bool seldom = now - exchange.last_upkeep > passes * kSeldom;
  exchange.upkeep_interval = seldom ? 1 : std::min(2 * exchange.upkeep_interval, kPassesPerUpkeep);
  exchange.until_upkeep = exchange.upkeep_interval;
  return seldom;
}

// Somebody cut the file of our own region: what peers write there does not arrive any more.
void check_own_region(Exchange& exchange) {
  if (exchange.region->intact()) [[likely]]
    return;
  exchange.peers.for_each([&](Peer& peer) { begin_loss(exchange, peer, EIO); });
}

}  // namespace

void check_life(Exchange& exchange, Peer& peer) {
  if (peer.state != PeerState::kConnected && peer.state != PeerState::kAsked) return;
  if (peer.mapped && peer.protection) peer.mapped->drop_stale(*peer.protection);
  if (!peer.region || peer.region->alive()) return;
  // What it had sent is received first; a grant among it tells on_grant that it has gone.
  if (peer.state == PeerState::kAsked && peer.channel->peek() != nullptr) return;
  note_end(peer);
  // It had closed before it heard of us: what waits is for whoever has its name next.
  if (peer.state == PeerState::kAsked && !peer.gone) return restart_search(exchange, peer);
  begin_loss(exchange, peer, ECONNRESET);
}

void forget_strangers(Exchange& exchange) {
  exchange.peers.for_each([&](Peer& peer) { retire_if_unused(exchange, peer); });
}

void answer_contacts(Exchange& exchange) {
  exchange.contact_rang = false;
  for (std::size_t i = exchange.contacts.size(); i-- > 0;)
    if (answer_contact(exchange, exchange.contacts[i]))
      exchange.contacts.erase(exchange.contacts.begin() + static_cast<std::ptrdiff_t>(i));
}

void upkeep(Exchange& exchange) {
  const TimePoint now = Clock::now();
  std::size_t most_checks = kChecksPerUpkeep;
  if (comes_seldom(exchange, now)) {
    hear_all(exchange);
    if (!exchange.drowsy) most_checks = kChecksWhereSeldom;
  }
  if (exchange.drowsy) perk_up(exchange);
  sweep_one(exchange);
  enlarge_areas(exchange);
  if (!exchange.contacts.empty()) answer_contacts(exchange);
  check_own_region(exchange);
  retry_searches(exchange, now);
  check_liveness(exchange, now, most_checks);
  note_leave(exchange);
  exchange.last_upkeep = Clock::now();  // what this took does not count
}

}  // namespace anchor
