// SPDX-License-Identifier: BSD-2-Clause
// Small reads and writes through the FIFO of a peer that attends to it, withdrawn from one that does not.
//
// Whatever fits a message is sent to the peer, as if the kernel refused to move the bytes. If the peer has answered
// none of those for a while, it is busy elsewhere, or asleep: we take the gate (fifo/gate.h), do directly what it has
// not begun, in the order in which it was sent, and hand the gate back with the number of the last one, up to which the
// peer drops them. So each is carried out once, nothing that was sent behind them overtakes them, and the peer is not
// needed, as ever. From then on everything goes directly; the FIFO is tried again after some operations, more of them
// each time, and not before the peer has come to what it has to drop.
#include <algorithm>
#include <cerrno>

#include "proto/alertness.h"
#include "proto/loss.h"
#include "proto/remote.h"
#include "proto/rma.h"

namespace anchor {
namespace {

// Passes without an answer after which the peer is not waited for. One that attends answers within a dozen; a system
// call costs as much as about a hundred.
constexpr std::uint32_t kPassesToAnswer = 400;
// Of a FIFO's slots, those that may hold such operations: the other direction's answers need some.
constexpr std::uint32_t kShareOfSlots = 2;

// 0: done. -EAGAIN: out of reach from now on, it stays the peer's. -ENOTCONN: the peer's loss has begun.
// Otherwise why it has failed, negated.
int do_directly(Exchange& exchange, Peer& peer, const RemoteWork& work) noexcept {
  CheckedTargets checked;  // again: a region that was closed in between is not touched
  int error = check_targets(peer, work, &checked);
  if (error == -EPROTO) {
    begin_loss(exchange, peer, EPROTO);
    return -ENOTCONN;
  }
  if (error == 0) error = move_directly(peer, work, checked);
  if (error == 0 || error == -EAGAIN) return error;
  return lost_with(exchange, peer, -error) ? -ENOTCONN : error;
}

// Returns the number of the last one that is done.
std::uint64_t do_all(Exchange& exchange, Peer& peer, std::uint64_t carried_out) noexcept {
  std::uint64_t last = carried_out;
  peer.withdrawable.for_each([&](SendRequest* send) {
    auto& request = static_cast<RemoteRequest&>(*send);
    if (request.number <= carried_out) return true;  // its answer lies in our FIFO
    const int error = do_directly(exchange, peer, request.remote_work());
    if (error == -EAGAIN || error == -ENOTCONN) return false;
    last = request.number;
    end_remote(exchange, request, -error);
    return true;
  });
  return last;
}

void take_over(Exchange& exchange, Peer& peer) noexcept {
  const std::uint32_t penalty = peer.attention.penalty;
  InitiatorGate& gate = peer.channel->outgoing_gate();
  std::uint64_t carried_out;
  if (!gate.take(&carried_out)) return;  // the peer is at it
  if (carried_out > gate.sent()) {
    gate.hand_back(carried_out, carried_out);  // so that it may come to our goodbye
    return begin_loss(exchange, peer, EPROTO);
  }
  const std::uint64_t last = do_all(exchange, peer, carried_out);
  gate.hand_back(carried_out, last);
  if (last == carried_out) return;
  Attention& attention = peer.attention;
  attention.silent_passes = 0;
  attention.direct_left = penalty;
  attention.penalty = std::min(2 * penalty, Attention::kLastPenalty);
}

}  // namespace

bool may_withdraw(const Peer& peer, const RemoteWork& work, const CheckedTargets& checked) noexcept {
  return peer.attention.direct_left == 0 && peer.state == PeerState::kConnected && work.target_count == 1 &&
         work.base.length != 0 && checked.notices == 0 && work.base.length <= peer.channel->max_payload() &&
         peer.unanswered == peer.withdrawable.size() &&
         peer.withdrawable.size() < peer.received.slot_count / kShareOfSlots && peer.channel->watched() &&
         (peer.attention.penalty == Attention::kFirstPenalty || peer.channel->outgoing_gate().open());
}

void remember_withdrawable(Exchange& exchange, Peer& peer, RemoteRequest& request) noexcept {
  request.number = peer.channel->outgoing_gate().count_sent();
  if (peer.withdrawable.empty()) {
    peer.attention.silent_passes = 0;
    exchange.expected.push_back(&peer);  // room was made when it was connected
    rouse(exchange);                     // who sleeps would not count the passes
  }
  peer.withdrawable.push_back(&request);
}

void forget_withdrawable(Exchange& exchange, Peer& peer, RemoteRequest& request) noexcept {
  peer.withdrawable.remove(&request);
  peer.attention.silent_passes = 0;
  // What a spell of absence has cost is made good by some hundred answers.
  if (peer.attention.penalty > Attention::kFirstPenalty) peer.attention.penalty -= Attention::kFirstPenalty / 4;
  if (peer.withdrawable.empty()) std::erase(exchange.expected, &peer);
}

void take_over_stalled(Exchange& exchange) noexcept {
  for (std::size_t i = exchange.expected.size(); i-- > 0;) {
    Peer& peer = *exchange.expected[i];
    if (peer.state == PeerState::kConnected && peer.direct != nullptr &&
        ++peer.attention.silent_passes > kPassesToAnswer) [[unlikely]]
      take_over(exchange, peer);
  }
}

}  // namespace anchor
