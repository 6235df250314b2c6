// SPDX-License-Identifier: BSD-2-Clause
#include "proto/polling.h"

#include <algorithm>
#include <cerrno>

#include "os/speculation.h"
#include "proto/alertness.h"
#include "proto/handlers.h"
#include "proto/loss.h"

namespace anchor {
namespace {

// While messages are handled we may be the one who carries out a peer's reads and writes (fifo/gate.h), and no longer:
// who is not here shall not keep the peer from doing so itself.
class Attendance {
 public:
  explicit Attendance(Channel& channel) noexcept : gate_(channel.incoming_gate()) {}
  Attendance(const Attendance&) = delete;
  Attendance& operator=(const Attendance&) = delete;
  ~Attendance() {
    if (gate_.held()) gate_.release();
  }

 private:
  TargetGate& gate_;
};

// Takes messages from the peer's FIFO. Returns whether there was one.
bool receive_from(Exchange& exchange, Peer& peer) {
  Channel& channel = *peer.channel;
  const Attendance attendance(channel);
  unsigned taken = 0;
  peer.refused = false;
  const IncomingMessage* message = channel.peek();
  while (message != nullptr) {
    const Verdict verdict = handle(exchange, peer, *message);
    if (verdict == Verdict::kMalformed) [[unlikely]]
      begin_loss(exchange, peer, EPROTO);
    if (verdict != Verdict::kTaken) [[unlikely]] {
      peer.refused = verdict == Verdict::kNotNow;
      break;
    }
    if (++taken == kMessagesPerPoll) {
      channel.consume();
      break;
    }
    message = channel.next();
  }
  if (channel.broken()) [[unlikely]]
    begin_loss(exchange, peer, EPROTO);
  return taken != 0;
}

// A peer that is leaving: what it sent before is received, then its requests end. That is no more than its ring holds:
// one that goes on talking is not listened to.
void take_last_messages(Exchange& exchange, Peer& peer, bool* all) {
  const Attendance attendance(*peer.channel);
  *all = false;
  while (peer.loss != EPROTO && peer.last_messages < exchange.geometry.slot_count) {
    const IncomingMessage* message = peer.channel->peek();
    if (message == nullptr) break;
    const Verdict verdict = handle(exchange, peer, *message);
    if (verdict == Verdict::kNotNow) return;
    if (verdict == Verdict::kMalformed) break;
    peer.channel->consume();
    ++peer.last_messages;
  }
  *all = true;
}

[[gnu::noinline]] void see_off(Exchange& exchange, Peer& peer) {
  bool all;
  take_last_messages(exchange, peer, &all);
  if (all) finish_loss(exchange, peer);
}

// Nobody rings for a message that waits already, nor for one of our own, nor for the end of one that is leaving.
bool may_rest(const Peer& peer) noexcept {
  return peer.region != nullptr && peer.state != PeerState::kLeaving && peer.channel->peek() == nullptr;
}

void hear(Exchange& exchange, std::uint32_t index) {
  if (index < kContactEntries) {
    if (std::find(exchange.contacts.begin(), exchange.contacts.end(), index) == exchange.contacts.end())
      exchange.contacts.push_back(index);
    exchange.contact_rang = true;
  } else if (Peer* peer = exchange.board_owners[index]) {
    start_polling(exchange, *peer);
  }
}

[[gnu::noinline]] void scan_board(Exchange& exchange) {
  exchange.board->scan([&](std::uint32_t index) { hear(exchange, index); });
}

// A peer that may have something for us. Whether a message came.
bool attend(Exchange& exchange, std::size_t place) {
  Peer& peer = *exchange.polled[place].peer;
  if (peer.state == PeerState::kLeaving) [[unlikely]] {
    see_off(exchange, peer);
    return false;
  }
  // Who is drowsy may sleep after this pass, and looks at all.
  if (!exchange.drowsy && peer.channel->too_early()) return false;
  exchange.polled[place].awaited = {};  // should there be no memory for what comes, it is asked again
  const bool found = receive_from(exchange, peer);
  if (found) peer.heard_in_pass = exchange.passes;
  exchange.polled[place].awaited = peer.state == PeerState::kLeaving ? AwaitedMessage{} : peer.channel->awaited();
  return found;
}

[[gnu::noinline]] void leave_idle_to_board(Exchange& exchange) {
  for (std::size_t i = exchange.polled.size(); i-- > 0 && exchange.polled.size() > kFreePolls;) {
    Peer& peer = *exchange.polled[i].peer;
    if (exchange.passes - peer.heard_in_pass >= kIdlePolls && may_rest(peer)) stop_polling(exchange, peer);
  }
}

// A broken FIFO has no message to show; polling it ends the connection.
void look_at(Exchange& exchange, Peer& peer) noexcept {
  if (!peer.channel || peer.polled) return;
  if (peer.channel->peek() != nullptr || peer.channel->broken()) start_polling(exchange, peer);
}

// Whatever shows in its FIFO.
void ask_in_next_pass(Exchange& exchange, const Peer& peer) noexcept {
  const auto same = [&](const PolledPeer& polled) { return polled.peer == &peer; };
  std::find_if(exchange.polled.begin(), exchange.polled.end(), same)->awaited = {};
}

}  // namespace

void start_polling(Exchange& exchange, Peer& peer) noexcept {
  peer.heard_in_pass = exchange.passes;
  if (peer.polled && peer.state == PeerState::kLeaving) ask_in_next_pass(exchange, peer);
  if (peer.polled) return;
  peer.polled = true;
  exchange.polled.push_back({&peer, {}});
  if (exchange.drowsy) return;  // perk_up() will tell it
  peer.told = true;
  peer.channel->set_polled(true);
}

void stop_polling(Exchange& exchange, Peer& peer) noexcept {
  if (!peer.polled) return;
  peer.polled = false;
  // The order of polling is kept: the loop in poll_peers goes backwards and may be at this very peer.
  std::erase_if(exchange.polled, [&](const PolledPeer& polled) { return polled.peer == &peer; });
  if (!peer.told) return;
  peer.told = false;
  if (peer.channel) peer.channel->set_polled(false);
  exchange.unwatched = true;
  told_to_ring(exchange, peer);
}

bool poll_peers(Exchange& exchange) {
  bool found = false;
  for (std::size_t i = exchange.polled.size(); i-- > 0;) {
    if (exchange.polled[i].awaited.absent()) [[likely]]
      continue;
    found |= attend(exchange, i);
    i = std::min(i, exchange.polled.size());  // several may have left
  }
  const bool scan_is_due = exchange.passes % kPassesPerScan == 0;
  if (scan_is_due && exchange.passes % kIdlePolls == 0 && exchange.polled.size() > kFreePolls) [[unlikely]]
    leave_idle_to_board(exchange);
  // Someone may ring: a peer whose FIFO is not polled at any time, a new one seldom. A pass that found messages leaves
  // the board to the next ones, but not for ever.
  if (scan_is_due || (!found && exchange.peers.size() != exchange.polled.size())) scan_board(exchange);
  if (!found) end_speculation();  // half a round trip of 8 bytes: 0.98 of the time (Xeon)
  return found;
}

void sweep_one(Exchange& exchange) {
  if (exchange.peers.size() == exchange.polled.size()) return;
  if (++exchange.next_to_sweep >= exchange.peers.size()) exchange.next_to_sweep = 0;
  if (Peer* peer = exchange.peers.numbered(exchange.next_to_sweep)) look_at(exchange, *peer);
}

void hear_all(Exchange& exchange) {
  exchange.board->scan_all([&](std::uint32_t index) { hear(exchange, index); });
}

void sweep_all(Exchange& exchange) {
  exchange.unwatched = false;
  exchange.peers.for_each([&](Peer& peer) { look_at(exchange, peer); });
}

}  // namespace anchor
