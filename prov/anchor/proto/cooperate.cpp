// SPDX-License-Identifier: BSD-2-Clause
#include "proto/cooperate.h"

#include <algorithm>
#include <cerrno>

#include "os/gather.h"
#include "proto/outbox.h"
#include "proto/rendezvous.h"

namespace anchor {
namespace {

constexpr unsigned kSerialShift = 48;

std::uint64_t tagged_word(std::uint16_t serial, std::uint64_t position) noexcept {
  return std::uint64_t{serial} << kSerialShift | position;
}

// The position in a word of the peer's; `otherwise` if it belongs to another copy. Never beyond `limit`.
std::uint64_t position_of(std::uint64_t word, std::uint16_t serial, std::uint64_t otherwise,
                          std::uint64_t limit) noexcept {
  if (word >> kSerialShift != serial) return otherwise;
  return std::min<std::uint64_t>(word & ((1ull << kSerialShift) - 1), limit);
}

// S1 and S2 are the two halves of the claim: store my claim, then load the other's. Sequential consistency forbids that
// both sides load the value from before the other's store.
void claim(SharedWord& mine, std::uint16_t serial, std::uint64_t position) noexcept {
  mine.store(tagged_word(serial, position), std::memory_order_seq_cst);  // S1
}

std::uint64_t sender_claim(const IncomingTransfer& transfer) noexcept {
  const Cooperation words = transfer.envelope.peer->channel->cooperation();
  return position_of(words.theirs->back.load(std::memory_order_seq_cst), transfer.serial, transfer.wanted,  // S2
                     transfer.wanted);
}

std::uint64_t sender_done(const IncomingTransfer& transfer) noexcept {
  const Cooperation words = transfer.envelope.peer->channel->cooperation();
  // A6, paired with R6: what the sender says it copied is in our buffer.
  return position_of(words.theirs->back_done.load(std::memory_order_acquire), transfer.serial, transfer.wanted,
                     transfer.wanted);
}

std::uint64_t receiver_claim(const Cooperation& words, const SendRequest& request) noexcept {
  return position_of(words.theirs->front.load(std::memory_order_seq_cst), request.serial, 0, request.wanted);  // S2
}

// Copies [begin, end) of the message into the receiver's buffer.
bool push_bytes(const SendRequest& request, std::uint64_t begin, std::uint64_t end) noexcept {
  while (begin < end) {
    const iovec local{static_cast<std::byte*>(request.segments[0].iov_base) + begin, end - begin};
    const iovec remote{reinterpret_cast<void*>(request.remote_address + begin), end - begin};
    const std::ptrdiff_t moved = request.peer->direct->write(&local, 1, &remote, 1);
    if (moved <= 0) return false;
    begin += static_cast<std::uint64_t>(moved);
  }
  return true;
}

// False: the receiver has claimed the rest, or its memory cannot be written; we are out of it.
bool push_step(SendRequest& request) noexcept {
  const Cooperation words = request.peer->channel->cooperation();
  const std::uint64_t front = receiver_claim(words, request);
  if (front >= request.position) return false;
  const std::uint64_t begin = request.position - std::min(kCooperateChunk, request.position - front);
  claim(words.ours->back, request.serial, begin);
  if (receiver_claim(words, request) > begin || !push_bytes(request, begin, request.position)) {
    claim(words.ours->back, request.serial, request.position);
    return false;
  }
  request.position = begin;
  // R6, paired with A6.
  words.ours->back_done.store(tagged_word(request.serial, begin), std::memory_order_release);
  return true;
}

}  // namespace

bool worth_cooperating(const IncomingTransfer& transfer) noexcept {
  return transfer.wanted >= kCooperateFrom && transfer.segments.count == 1 && transfer.receive->segment_count == 1 &&
         !transfer.envelope.peer->cooperating && transfer.envelope.peer->state == PeerState::kConnected;
}

void request_cooperation(Exchange& exchange, IncomingTransfer& transfer) {
  Peer& peer = *transfer.envelope.peer;
  peer.cooperating = true;
  transfer.state = TransferState::kCooperating;
  transfer.serial = ++peer.cooperation_serial;
  claim(peer.channel->cooperation().ours->front, transfer.serial, 0);
  OutgoingMessage message{.operation = Operation::kCooperate};
  message.set_body(CooperateBody{
      .request = transfer.envelope.request,
      .transfer = exchange.transfers.id(&transfer),
      .address = reinterpret_cast<std::uint64_t>(transfer.receive->segments[0].iov_base) + transfer.offset,
      .length = transfer.wanted,
      .serial = transfer.serial});
  post_control(exchange, peer, message);
}

void pull_together(Exchange& exchange, IncomingTransfer& transfer) {
  const std::uint64_t back = sender_claim(transfer);
  if (transfer.error != 0 || transfer.front >= back) {
    // Nothing left to claim: wait for what the sender is copying just now.
    if (sender_done(transfer) == back) finish_transfer(exchange, transfer, transfer.error);
    return;
  }
  const std::uint64_t goal = std::min(transfer.front + kCooperateChunk, back);
  claim(transfer.envelope.peer->channel->cooperation().ours->front, transfer.serial, goal);
  const std::uint64_t limit = std::min(goal, sender_claim(transfer));
  while (transfer.front < limit) {
    const std::ptrdiff_t moved = pull_bytes(transfer, transfer.front, limit - transfer.front);
    if (moved <= 0) {
      transfer.error = moved == 0 ? EFAULT : static_cast<int>(-moved);
      stop_cooperation(transfer);
      return;
    }
    transfer.front += static_cast<std::uint64_t>(moved);
  }
}

bool stop_cooperation(IncomingTransfer& transfer) noexcept {
  claim(transfer.envelope.peer->channel->cooperation().ours->front, transfer.serial, transfer.wanted);
  return sender_done(transfer) == sender_claim(transfer);
}

Verdict on_cooperate(Exchange& exchange, Peer& peer, const IncomingMessage& message) {
  const auto body = message.body_as<CooperateBody>();
  SendRequest* request = find_announced(exchange, peer, body.request);
  if (request == nullptr || body.length > request->work.length || body.serial > UINT16_MAX) return Verdict::kMalformed;
  if (peer.direct == nullptr || request->work.segment_count != 1) return Verdict::kTaken;  // the receiver does it alone
  exchange.cooperating.for_each([&](SendRequest* other) {
    if (other->peer == &peer) stop_moving(exchange, *other);  // its words are taken over by the new copy
    return true;
  });
  stop_moving(exchange, *request);
  request->state = SendState::kCooperating;
  request->transfer = body.transfer;
  request->wanted = body.length;
  request->position = body.length;
  request->remote_address = body.address;
  request->serial = static_cast<std::uint16_t>(body.serial);
  const Cooperation words = peer.channel->cooperation();
  words.ours->back_done.store(tagged_word(request->serial, body.length), std::memory_order_relaxed);
  claim(words.ours->back, request->serial, body.length);
  exchange.cooperating.push_back(request);
  return Verdict::kTaken;
}

void push_cooperating(Exchange& exchange) {
  exchange.cooperating.for_each([&](SendRequest* request) {
    if (!push_step(*request)) stop_moving(exchange, *request);
    return true;
  });
}

}  // namespace anchor
