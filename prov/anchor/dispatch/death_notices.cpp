// SPDX-License-Identifier: BSD-2-Clause
#include "dispatch/death_notices.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "proto/upkeep.h"

namespace anchor {
namespace {

constexpr Milliseconds kFirstLook{1};
constexpr std::size_t kNoticesAtOnce = 64;

void look_after(Exchange& exchange, Milliseconds delay) noexcept {
  exchange.look_interval = delay;
  exchange.next_look = Clock::now() + delay;
}

bool lives(const Peer& peer) noexcept { return peer.region != nullptr && peer.state != PeerState::kLeaving; }

void ask(Exchange& exchange, Peer& peer) {
  const int notices = exchange.region->death_notices();
  const int error = notices >= 0 ? peer.region->watch_with(notices, peer.number) : -EOPNOTSUPP;
  peer.notice = error == 0 ? DeathNotice::kPromised : DeathNotice::kNone;
  if (error == -ENXIO) check_life(exchange, peer);
}

// `again`: also those that could not promise it before.
void ask_all(Exchange& exchange, bool again) {
  exchange.unasked = false;
  const bool told = std::exchange(exchange.deaths_told, true);
  exchange.peers.for_each([&](Peer& peer) {
    if (!lives(peer)) return;
    if (peer.notice == DeathNotice::kUnasked || (again && peer.notice == DeathNotice::kNone)) ask(exchange, peer);
    exchange.deaths_told &= peer.notice == DeathNotice::kPromised;
  });
  if (told && !exchange.deaths_told) look_after(exchange, exchange.settings.liveness_interval);
}

}  // namespace

void ask_for_notices(Exchange& exchange) {
  if (exchange.unasked) ask_all(exchange, false);
}

// Some at a time: more of them keep the descriptor readable.
void heed_notices(Exchange& exchange) {
  std::uint64_t numbers[kNoticesAtOnce];
  Peer* peers[kNoticesAtOnce] = {};
  const std::size_t count = exchange.region->take_death_notices(numbers, kNoticesAtOnce);
  if (count == 0) return;
  // All of them first: a look may fail for want of memory, and a notice does not come again.
  for (std::size_t i = 0; i < count; ++i) {
    Peer* peer = numbers[i] < exchange.peers.size() ? exchange.peers.numbered(numbers[i]) : nullptr;
    if (peer == nullptr || !peer->region) continue;
    peer->region->unwatch();
    peer->notice = DeathNotice::kGiven;
    peers[i] = peer;
  }
  const bool told = std::exchange(exchange.deaths_told, false);
  bool dead = true;
  for (Peer* peer : peers) {
    if (peer == nullptr) continue;
    check_life(exchange, *peer);
    dead &= !lives(*peer);
  }
  if (dead) {
    exchange.deaths_told = told;  // nobody is left to be looked at
  } else {
    look_after(exchange, kFirstLook);
  }
}

void look_at_untold(Exchange& exchange, TimePoint now) {
  if (exchange.deaths_told || now < exchange.next_look) return;
  const bool all = now - exchange.last_look >= exchange.settings.liveness_interval;
  if (all) exchange.last_look = now;
  exchange.peers.for_each([&](Peer& peer) {
    if (peer.notice == DeathNotice::kGiven || (all && peer.notice != DeathNotice::kPromised))
      check_life(exchange, peer);
  });
  ask_all(exchange, all);
  exchange.look_interval = std::min(2 * exchange.look_interval, exchange.settings.liveness_interval);
  exchange.next_look = now + exchange.look_interval;
}

}  // namespace anchor
