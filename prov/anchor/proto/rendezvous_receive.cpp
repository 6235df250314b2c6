// SPDX-License-Identifier: BSD-2-Clause
// The receiver's half of the rendezvous.
#include <algorithm>
#include <cerrno>

#include "os/gather.h"
#include "os/log.h"
#include "os/status.h"
#include "proto/alertness.h"
#include "proto/arrival.h"
#include "proto/outbox.h"
#include "proto/rendezvous.h"
#include "proto/share_offer.h"

namespace anchor {
namespace {

// The kernel's word that the sender's memory is out of reach for good, not only the part asked for.
bool out_of_reach(std::ptrdiff_t result) noexcept {
  return result == -EPERM || result == -ESRCH || result == -ENOSYS || result == -EACCES;
}

// Reads `length` bytes at `position` of the message. Returns bytes read, perhaps fewer, or a negated errno value.
std::ptrdiff_t pull_bytes(const IncomingTransfer& transfer, std::uint64_t position, std::uint64_t length) noexcept {
  iovec remote[kMaxSegments];
  for (std::uint32_t i = 0; i < transfer.segments.count; ++i)
    remote[i] = {reinterpret_cast<void*>(transfer.segments.list[i].address), transfer.segments.list[i].length};
  iovec from[kMaxSegments];
  iovec to[kMaxSegments];
  std::size_t bytes;
  const std::size_t from_count = slice(remote, transfer.segments.count, position, length, from, &bytes);
  const ReceiveRequest& receive = *transfer.receive;
  const std::size_t to_count =
      slice(receive.segments, receive.segment_count, transfer.offset + position, length, to, &bytes);
  return transfer.envelope.peer->direct->read(to, to_count, from, from_count);
}

void pull_from_back(Exchange& exchange, IncomingTransfer& transfer) {
  Peer& peer = *transfer.envelope.peer;
  const std::uint64_t most = is_absent(exchange) ? kAbsentPullSize : kPullSize;
  const std::uint64_t begin = transfer.back - std::min(most, transfer.back - transfer.front);
  const int error = pull_all(transfer, begin, transfer.back);
  if (out_of_reach(error)) {
    ANCHOR_INFO(kEndpoint, "memory of %s can no longer be read directly (errno %d): its messages go through the FIFO",
                peer.name.bytes.data(), -error);
    peer.direct.reset();
    return;
  }
  if (error != 0) {  // device memory, for example: the sender's own loads can do what the kernel cannot
    transfer.pulls = false;
    return;
  }
  transfer.back = begin;
  peer.channel->set_pulled(pulled_word(exchange.transfers.id(&transfer), begin));
  if (transfer.front >= transfer.back) finish_transfer(exchange, transfer, 0);
}

// How the next one of its length shall come.
void note_duration(const IncomingTransfer& transfer) noexcept {
  Peer& peer = *transfer.envelope.peer;
  const TimePoint now = Clock::now();
  const bool by_sender = transfer.way == TransferWay::kStreamed && transfer.back == transfer.wanted;
  if (by_sender || transfer.way == TransferWay::kShared)
    peer.choice.took(transfer.way == TransferWay::kShared, transfer.wanted,
                     now.time_since_epoch() - std::max(transfer.begun, peer.delivered.time_since_epoch()));
  peer.delivered = now;
}

}  // namespace

int pull_all(const IncomingTransfer& transfer, std::uint64_t begin, std::uint64_t end) noexcept {
  while (begin < end) {
    const std::ptrdiff_t moved = pull_bytes(transfer, begin, end - begin);
    if (moved <= 0) return moved == 0 ? -EFAULT : static_cast<int>(moved);
    begin += static_cast<std::uint64_t>(moved);
  }
  return 0;
}

void ask_for_stream(Exchange& exchange, IncomingTransfer& transfer) {
  transfer.way = TransferWay::kStreamed;
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
  exchange.incoming.push_back(transfer);
  note_leave(exchange);
  rouse(exchange);
  if (transfer->wanted == 0) return finish_transfer(exchange, *transfer, 0);

  transfer->way = TransferWay::kReads;
  transfer->pulls = envelope.peer->direct != nullptr;
  transfer->begun = exchange.left.time_since_epoch();
  if (wants_share(exchange, *transfer)) {
    transfer->way = TransferWay::kQueued;
    share_transfer(exchange, *transfer);
  } else if (!is_absent(exchange) || !transfer->pulls) {
    ask_for_stream(exchange, *transfer);
  }
}

void pull_stalled(Exchange& exchange) {
  const bool absent = is_absent(exchange);
  exchange.incoming.for_each([&](IncomingTransfer* transfer) {
    const Peer& sender = *transfer->envelope.peer;
    if (transfer->way == TransferWay::kQueued || transfer->way == TransferWay::kShared) {
      share_transfer(exchange, *transfer);
    } else if (sender.direct == nullptr || !transfer->pulls) {
      if (transfer->way == TransferWay::kReads) ask_for_stream(exchange, *transfer);
    } else if (absent || transfer->way == TransferWay::kReads || exchange.passes - sender.heard_in_pass > kPatience) {
      pull_from_back(exchange, *transfer);
    }
    return true;
  });
  note_leave(exchange);
}

Verdict on_chunk(Exchange& exchange, Peer& peer, const IncomingMessage& message) {
  if ((message.flags & kInArea) == 0) return Verdict::kMalformed;
  IncomingTransfer* transfer = exchange.transfers.find(message.body_as<ChunkBody>().transfer);
  if (transfer == nullptr) return Verdict::kTaken;  // we had the rest already
  if (transfer->envelope.peer != &peer || message.length > transfer->wanted - transfer->front)
    return Verdict::kMalformed;
  // One that is shared must not end before the sender has said that it is done with its part.
  if (transfer->way != TransferWay::kStreamed) return Verdict::kMalformed;
  const ReceiveRequest& receive = *transfer->receive;
  scatter(receive.segments, receive.segment_count, transfer->offset + transfer->front, message.payload, message.length);
  transfer->front += message.length;
  if (transfer->front >= transfer->back) finish_transfer(exchange, *transfer, 0);
  return Verdict::kTaken;
}

void finish_transfer(Exchange& exchange, IncomingTransfer& transfer, int error) {
  exchange.incoming.remove(&transfer);
  if (error == 0 && share_length(transfer.wanted)) note_duration(transfer);
  // A later transfer whose name has the same digest must not find this one's word. The sender sees the zero before that
  // one's kClearToSend.
  if (transfer.back < transfer.wanted) transfer.envelope.peer->channel->set_pulled(0);
  if (transfer.envelope.request != 0) post_finish(exchange, *transfer.envelope.peer, transfer.envelope.request, -error);
  if (error == 0 && transfer.wanted < transfer.envelope.length) error = kTruncated;
  const std::size_t received = error == 0 || error == kTruncated ? transfer.wanted : 0;
  finish_receive(exchange, *transfer.receive, transfer.envelope, transfer.offset, received, error);
  exchange.transfers.release(&transfer);
}

}  // namespace anchor
