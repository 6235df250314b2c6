// SPDX-License-Identifier: BSD-2-Clause
#include "proto/upkeep.h"

#include <algorithm>
#include <cerrno>

#include "proto/connect.h"
#include "proto/loss.h"
#include "proto/polling.h"

namespace anchor {
namespace {

// Liveness checks (three system calls each) in one go: a pass stays short.
constexpr std::size_t kChecksPerUpkeep = 8;

void retry_searches(Exchange& exchange, TimePoint now) {
  for (std::size_t i = exchange.seeking.size(); i-- > 0;) {
    Peer& peer = *exchange.seeking[i];
    if (peer.state == PeerState::kSeeking && now >= peer.next_attempt) try_connect(exchange, peer);
    i = std::min(i, exchange.seeking.size());
  }
}

void check_peer(Exchange& exchange, Peer& peer) {
  if (peer.state != PeerState::kConnected && peer.state != PeerState::kAsked) return;
  if (!peer.region || peer.region->alive()) return;
  if (peer.state == PeerState::kAsked) return restart_search(exchange, peer);
  peer.crashed = true;
  begin_loss(exchange, peer, ECONNRESET);
}

// Rotates over all peers once in each liveness_interval.
void check_liveness(Exchange& exchange, TimePoint now) {
  const std::size_t count = exchange.peers.size();
  const auto elapsed = std::chrono::duration_cast<std::chrono::microseconds>(now - exchange.last_check);
  const auto interval = std::chrono::microseconds(exchange.settings.liveness_interval);
  auto due = static_cast<std::size_t>(count * elapsed.count() / std::max<std::int64_t>(interval.count(), 1));
  if (due == 0) return;
  exchange.last_check = now;
  for (due = std::min({due, count, kChecksPerUpkeep}); due != 0; --due) {
    if (++exchange.next_to_check >= exchange.peers.size()) exchange.next_to_check = 0;
    if (Peer* peer = exchange.peers.numbered(exchange.next_to_check)) check_peer(exchange, *peer);
  }
}

// Somebody cut the file of our own region: what peers write there does not arrive any more.
void check_own_region(Exchange& exchange) {
  if (exchange.region->intact()) [[likely]]
    return;
  for (std::size_t number = 0; number < exchange.peers.size(); ++number)
    if (Peer* peer = exchange.peers.numbered(number)) begin_loss(exchange, *peer, EIO);
}

}  // namespace

void answer_contacts(Exchange& exchange) {
  std::erase_if(exchange.contacts, [&](std::uint32_t index) { return answer_contact(exchange, index); });
}

void upkeep(Exchange& exchange) {
  const TimePoint now = Clock::now();
  sweep_one(exchange);
  check_own_region(exchange);
  retry_searches(exchange, now);
  check_liveness(exchange, now);
}

}  // namespace anchor
