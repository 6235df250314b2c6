// SPDX-License-Identifier: BSD-2-Clause
#include "dispatch/closing.h"

#include <sched.h>

#include <new>

#include "dispatch/progress.h"
#include "fifo/anchor_record.h"
#include "os/clock.h"
#include "os/log.h"

namespace anchor {
namespace {

// A peer that takes longer than this to make room has lost what it did not fetch.
constexpr Milliseconds kLinger{5000};

// The application was told that these are on their way, or a peer waits for them. A peer that was not found by now is
// not waited for.
bool owes(const Peer& peer) {
  if (peer.state == PeerState::kSeeking) return false;
  if (!peer.control.empty() || !peer.replies.empty() || !peer.withdrawable.empty() || peer.offered.active ||
      peer.gathering)
    return true;
  for (SendRequest* request = peer.waiting.front(); request != nullptr; request = peer.waiting.after(request))
    if (request->work.flags & kInject) return true;
  return false;
}

bool owes_anything(const Exchange& exchange) {
  for (std::size_t i = 0; i < exchange.peers.size(); ++i)
    if (const Peer* peer = exchange.peers.numbered(i); peer != nullptr && owes(*peer)) return true;
  return false;
}

template <class Condition>
void wait_while(Milliseconds limit, Condition&& condition) {
  const TimePoint deadline = Clock::now() + limit;
  while (condition() && Clock::now() < deadline) sched_yield();
}

void say_goodbye(Exchange& exchange) noexcept {
  const OutgoingMessage goodbye{.operation = Operation::kGoodbye};
  for (std::size_t i = 0; i < exchange.peers.size(); ++i) {
    Peer* peer = exchange.peers.numbered(i);
    // A full FIFO is no reason to wait: the peer will find our liveness lock gone.
    if (peer != nullptr && peer->state == PeerState::kConnected) static_cast<void>(peer->channel->send(goodbye));
  }
}

}  // namespace

void close_exchange(Exchange& exchange) noexcept {
  wait_while(kLinger, [&] {
    if (!owes_anything(exchange)) return false;
    try {
      progress(exchange);
    } catch (const std::bad_alloc&) {  // tried again in the next pass
    }
    return true;
  });
  say_goodbye(exchange);
  withdraw_anchor_record(exchange.region->header(), exchange.device.memory());
}

}  // namespace anchor
