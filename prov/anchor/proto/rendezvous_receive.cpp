// SPDX-License-Identifier: BSD-2-Clause
// The receiver's half of the rendezvous.
#include <algorithm>
#include <cerrno>

#include "os/gather.h"
#include "os/status.h"
#include "proto/alertness.h"
#include "proto/arrival.h"
#include "proto/outbox.h"
#include "proto/rendezvous.h"
#include "proto/rendezvous_pull.h"
#include "proto/share_offer.h"

namespace anchor {
namespace {

constexpr std::uint64_t kShortestMeasured = 12u << 10;  // bytes

std::uint32_t& count_of(const IncomingTransfer& transfer, TransferWay way) noexcept {
  return transfer.envelope.peer->arriving[static_cast<std::size_t>(way)];
}

// Whether it can be read from the sender's memory as well as be streamed, so that the faster way is chosen.
bool has_choice(const IncomingTransfer& transfer) noexcept {
  const Peer& peer = *transfer.envelope.peer;
  if (!transfer.pulls || peer.direct == nullptr || peer.state != PeerState::kConnected) return false;
  return transfer.wanted < kShortestShare || (can_be_shared(transfer) && (peer.offered.active || may_offer(peer)));
}

// Shorter ones are announced because their sender has found that reading them is faster (send_stream.h).
bool is_measured(const IncomingTransfer& transfer) noexcept { return transfer.wanted >= kShortestMeasured; }

// Requires has_choice().
bool goes_directly(const IncomingTransfer& transfer) noexcept {
  return !is_measured(transfer) || transfer.envelope.peer->choice.goes_directly(transfer.wanted);
}

// Whether what is on its way from the same sender leaves it the turn; `gathered`: messages that it will be read
// together with. What goes one way has ended before anything goes the other: whoever streams one message takes the time
// that copying another is measured by.
bool has_turn(const IncomingTransfer& transfer, bool directly, std::size_t gathered) noexcept {
  if (count_of(transfer, TransferWay::kReads) + count_of(transfer, TransferWay::kShared) != gathered) return false;
  if (!directly) return true;
  const bool free = transfer.wanted < kShortestShare || !transfer.envelope.peer->offered.active;
  return free && count_of(transfer, TransferWay::kStreamed) == 0;
}

// Whether it would be read, and can be together with what has been gathered.
bool joins(const Exchange& exchange, const PullBatch& batch, const IncomingTransfer& transfer) noexcept {
  if (!batch.takes(transfer)) return false;
  if (transfer.way != TransferWay::kQueued) return transfer.way == TransferWay::kReads;
  return is_absent(exchange) ? transfer.pulls : has_choice(transfer) && goes_directly(transfer);
}

// A kQueued one, unless it has to wait.
void start_transfer(Exchange& exchange, IncomingTransfer& transfer, std::size_t gathered = 0) {
  Peer& peer = *transfer.envelope.peer;
  if (transfer.pulls && is_absent(exchange)) return set_way(transfer, TransferWay::kReads);
  const bool chooses = has_choice(transfer);
  const bool directly = chooses && goes_directly(transfer);
  if (!has_turn(transfer, directly, gathered)) return;
  if (chooses && is_measured(transfer) && transfer.wanted == transfer.envelope.length) {
    const bool timed = peer.choice.take_turn(transfer.wanted);
    // Of those that are streamed the end of each is the beginning of the next one.
    if (timed || !directly) transfer.begun = Clock::now().time_since_epoch();
    transfer.directly = directly;
  }
  if (!directly) return ask_for_stream(exchange, transfer);
  const bool of_several = gathered != 0 || count_of(transfer, TransferWay::kQueued) > 1;
  if (transfer.wanted < kShortestShare || (of_several && transfer.wanted <= kLongestTogether))
    return set_way(transfer, TransferWay::kReads);
  set_way(transfer, TransferWay::kShared);
  offer_transfer(exchange, transfer);
}

// Who has all its completions may stop making progress, and its peer would wait for ever for what it still owes: the
// receive ends when the peer has been told.
// Not where we do not read what it sends until the application has posted receives: it may have its completion first,
// and the peer likewise.
bool owes_control(const Peer& peer) noexcept {
  return peer.state == PeerState::kConnected && !peer.control.empty() && !peer.refused;
}

// The application gets its buffer.
void end_transfer(Exchange& exchange, IncomingTransfer& transfer, int error) {
  exchange.incoming.remove(&transfer);
  --count_of(transfer, transfer.way);
  if (error == 0 && transfer.wanted < transfer.envelope.length) error = kTruncated;
  const std::size_t received = error == 0 || error == kTruncated ? transfer.wanted : 0;
  finish_receive(exchange, *transfer.receive, transfer.envelope, transfer.offset, received, error);
  exchange.transfers.release(&transfer);
}

}  // namespace

void set_way(IncomingTransfer& transfer, TransferWay way) noexcept {
  --count_of(transfer, transfer.way);
  transfer.way = way;
  ++count_of(transfer, way);
}

void note_duration(const IncomingTransfer& transfer, std::uint64_t together) noexcept {
  Peer& peer = *transfer.envelope.peer;
  const TimePoint now = Clock::now();
  // What could not be copied directly was streamed after all, and took that much longer.
  if (transfer.directly || transfer.back == transfer.wanted) {
    Clock::duration time = now.time_since_epoch() - std::max(transfer.begun, peer.delivered.time_since_epoch());
    if (together != transfer.wanted)
      time = time * static_cast<Clock::rep>(transfer.wanted) / static_cast<Clock::rep>(together);
    peer.choice.took(transfer.directly, transfer.wanted, time);
  }
  peer.delivered = now;
}

void ask_for_stream(Exchange& exchange, IncomingTransfer& transfer) {
  set_way(transfer, TransferWay::kStreamed);
  const std::uint64_t place = place_of(exchange, transfer);
  transfer.placeable = place != 0;
  OutgoingMessage message{.operation = Operation::kClearToSend};
  message.set_body(ClearToSendBody{.request = transfer.envelope.request,
                                   .transfer = exchange.transfers.id(&transfer),
                                   .length = transfer.wanted,
                                   .receiver_address = place,
                                   .piece = 0});
  post_control(exchange, *transfer.envelope.peer, message);
}

void note_return(Exchange& exchange) noexcept {
  if (Clock::now() - exchange.left > exchange.settings.absence) {
    exchange.absence = std::min(exchange.absence + kAbsence, kMostAbsence);
  } else if (exchange.absence != 0) {
    --exchange.absence;
  }
}

void note_leave(Exchange& exchange) noexcept { exchange.left = Clock::now(); }

void begin_transfer(Exchange& exchange, ReceiveRequest& receive, const Envelope& envelope,
                    const RemoteSegments& segments) {
  const Landing landing = land(exchange, receive, envelope.length);
  IncomingTransfer* transfer = exchange.transfers.acquire();
  if (transfer == nullptr) {
    finish_receive(exchange, receive, envelope, landing.offset, 0, ENOMEM);
    return post_finish(exchange, *envelope.peer, envelope.request, -ENOMEM);
  }
  transfer->envelope = envelope;
  transfer->receive = &receive;
  transfer->offset = landing.offset;
  transfer->wanted = std::min<std::uint64_t>(envelope.length, landing.room);
  transfer->front = 0;
  transfer->back = transfer->wanted;
  transfer->segments = segments;
  if (exchange.absence != 0) --exchange.absence;
  if (exchange.incoming.empty()) note_leave(exchange);
  exchange.incoming.push_back(transfer);
  rouse(exchange);
  ++count_of(*transfer, TransferWay::kQueued);
  if (transfer->wanted == 0) return finish_transfer(exchange, *transfer, 0);
  transfer->pulls = envelope.peer->direct != nullptr;
  if (count_of(*transfer, TransferWay::kQueued) == 1) start_transfer(exchange, *transfer);
}

bool pull_stalled(Exchange& exchange) {
  const bool absent = is_absent(exchange);
  bool moved = false;
  PullBatch batch;
  exchange.incoming.for_each([&](IncomingTransfer* transfer) {
    Peer& sender = *transfer->envelope.peer;
    if (batch.count() != 0 && !joins(exchange, batch, *transfer)) moved |= batch.move(exchange);
    if (transfer->way == TransferWay::kQueued && sender.held_in_pass != exchange.passes)
      start_transfer(exchange, *transfer, batch.count());
    if (transfer->way == TransferWay::kQueued) {
      sender.held_in_pass = exchange.passes;  // those behind it wait, too
    } else if (transfer->way == TransferWay::kMoved) {
      if (owes_control(sender)) return true;
      end_transfer(exchange, *transfer, 0);
      moved = true;
    } else if (transfer->way == TransferWay::kShared) {
      // Of several the fronts are the sender's to put.
      moved |= transfer->front != 0 ? move_fronts(exchange, *transfer) : move_a_piece(exchange, *transfer);
    } else if (sender.direct == nullptr || !transfer->pulls) {
      if (transfer->way == TransferWay::kReads) ask_for_stream(exchange, *transfer);
    } else if (absent || transfer->way == TransferWay::kReads || exchange.passes - sender.heard_in_pass > kPatience) {
      if (transfer->way == TransferWay::kReads && batch.takes(*transfer)) {
        batch.add(*transfer);
      } else {
        moved |= pull_from_back(exchange, *transfer);
      }
    }
    return true;
  });
  moved |= batch.move(exchange);
  note_leave(exchange);
  return moved;
}

void tell_delivered(Exchange& exchange, ReceiveRequest& receive, const Envelope& envelope, std::size_t offset,
                    std::size_t received) {
  post_finish(exchange, *envelope.peer, envelope.request, 0);
  if (owes_control(*envelope.peer)) {
    if (IncomingTransfer* transfer = exchange.transfers.acquire()) {
      transfer->envelope = envelope;
      transfer->receive = &receive;
      transfer->offset = offset;
      transfer->wanted = received;
      transfer->way = TransferWay::kMoved;
      exchange.incoming.push_back(transfer);
      ++count_of(*transfer, TransferWay::kMoved);
      return note_leave(exchange);
    }
  }
  finish_receive(exchange, receive, envelope, offset, received, received < envelope.length ? kTruncated : 0);
}

Verdict on_chunk(Exchange& exchange, Peer& peer, const IncomingMessage& message) {
  if ((message.flags & kInArea) == 0) return Verdict::kMalformed;
  IncomingTransfer* transfer = exchange.transfers.find(message.body_as<ChunkBody>().transfer);
  if (transfer == nullptr) return Verdict::kTaken;  // we had the rest already
  if (transfer->envelope.peer != &peer || message.length > transfer->wanted - transfer->front)
    return Verdict::kMalformed;
  if (transfer->way == TransferWay::kMoved) return Verdict::kTaken;  // likewise
  // One that is shared must not end before the sender has said that it is done with its part.
  if (transfer->way != TransferWay::kStreamed) return Verdict::kMalformed;
  const ReceiveRequest& receive = *transfer->receive;
  scatter(receive.segments, receive.segment_count, transfer->offset + transfer->front, message.payload, message.length);
  transfer->front += message.length;
  if (transfer->front >= transfer->back) finish_transfer(exchange, *transfer, 0);
  return Verdict::kTaken;
}

void finish_transfer(Exchange& exchange, IncomingTransfer& transfer, int error) {
  if (transfer.way == TransferWay::kMoved) return end_transfer(exchange, transfer, 0);
  if (error == 0 && transfer.begun != Clock::duration{}) note_duration(transfer, transfer.wanted);
  // A later transfer whose name has the same digest must not find this one's word. The sender sees the zero before that
  // one's kClearToSend.
  if (transfer.way == TransferWay::kStreamed && transfer.back < transfer.wanted)
    transfer.envelope.peer->channel->set_pulled(0);
  if (transfer.envelope.request != 0) post_finish(exchange, *transfer.envelope.peer, transfer.envelope.request, -error);
  if (error == 0 && owes_control(*transfer.envelope.peer)) return set_way(transfer, TransferWay::kMoved);
  end_transfer(exchange, transfer, error);
}

}  // namespace anchor
