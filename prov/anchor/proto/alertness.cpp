// SPDX-License-Identifier: BSD-2-Clause
#include "proto/alertness.h"

#include <atomic>

#include "os/global_barrier.h"

namespace anchor {
namespace {

// About 20 us of passes: long enough that somebody who sleeps between any two messages never gets there.
constexpr std::uint32_t kDrowsyPasses = 1024;

// S2. Peers that have not been told yet ring anyway.
void leave_to_bells(Exchange& exchange) noexcept {
  for (const auto& [peer, awaited] : exchange.polled) {
    if (!peer->told) continue;
    peer->told = false;
    peer->channel->set_polled(false);
    told_to_ring(exchange, *peer);
  }
}

void want_credits(Exchange& exchange, Peer& peer) noexcept {
  if (peer.starving) return;
  if (exchange.starving.size() == exchange.starving.capacity()) return;  // the alarm finds its credits
  exchange.starving.push_back(&peer);
  peer.starving = true;
  peer.channel->set_starved(true);
  told_to_ring(exchange, peer);
}

// S2 for peers whose FIFO was full when we had something for them.
void wait_for_credits(Exchange& exchange) noexcept {
  for (Peer* peer : exchange.backlogged)
    if (peer->channel) want_credits(exchange, *peer);
  exchange.streaming.for_each([&](SendRequest* request) {
    want_credits(exchange, *request->peer);
    return true;
  });
  exchange.serving.for_each([&](ServedRead* read) {
    want_credits(exchange, *read->peer);
    return true;
  });
}

void forget_credits(Exchange& exchange) noexcept {
  for (Peer* peer : exchange.starving) {
    peer->starving = false;
    peer->channel->set_starved(false);
  }
  exchange.starving.clear();
}

// S7. What distant peers do before they hear of S2 is seen by another look, when they have.
void look_later(Exchange& exchange) noexcept {
  exchange.unsettled = false;
  exchange.settling = true;
  exchange.settled = Clock::now() + kSettling;
  exchange.region->wake_at(exchange.settled);
}

}  // namespace

void told_to_ring(Exchange& exchange, const Peer& peer) noexcept {
  if (!peer.distant()) {
    exchange.unfenced = true;
  } else if (shows_by_itself(peer.region->memory())) {
    exchange.unsettled = true;
  }
}

void announce_sleep(Exchange& exchange) noexcept {
  exchange.drowsy = true;
  exchange.roused = false;
  exchange.slept_at = exchange.passes;
  leave_to_bells(exchange);
  if (exchange.backlogged.empty() && exchange.streaming.empty() && exchange.serving.empty()) {
    if (!exchange.starving.empty()) forget_credits(exchange);
  } else {
    wait_for_credits(exchange);
  }
  exchange.sleep->announce();  // S3
  exchange.region->tell_epoch(exchange.sleep->epoch());
  // S4. Keeps all of the above before the look that follows (store -> load).
  if (exchange.unfenced) {
    global_barrier();
  } else {
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }
  exchange.unfenced = false;
  if (exchange.unsettled) look_later(exchange);
}

void perk_up(Exchange& exchange) noexcept {
  if (exchange.sleepers != 0 || exchange.passes - exchange.slept_at < kDrowsyPasses) return;
  exchange.drowsy = false;
  exchange.sleep->withdraw();
  exchange.region->tell_epoch(exchange.sleep->epoch());
  for (const auto& [peer, awaited] : exchange.polled) {
    peer->told = true;
    peer->channel->set_polled(true);
  }
  forget_credits(exchange);
}

void rouse(Exchange& exchange) noexcept {
  if (!exchange.sleep || !exchange.sleep->asleep() || exchange.roused) return;
  exchange.roused = exchange.region->wake() == 0;
}

}  // namespace anchor
