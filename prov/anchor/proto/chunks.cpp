// SPDX-License-Identifier: BSD-2-Clause
#include "proto/chunks.h"

#include <algorithm>
#include <cerrno>

#include "os/gather.h"
#include "proto/loss.h"
#include "proto/outbox.h"
#include "proto/rendezvous.h"

namespace anchor {
namespace {

// One chunk. 0, -EAGAIN when the FIFO is full.
int push_chunk(SendRequest& request) noexcept {
  Channel& channel = *request.peer->channel;
  // Half of the largest payload: a quarter of the area, so that writing and reading overlap.
  const std::uint64_t length =
      std::min<std::uint64_t>(round_up(channel.max_payload() / 2, kCacheLine), request.wanted - request.position);
  iovec part[kMaxSegments];
  std::size_t bytes;
  const std::size_t count = slice(request.segments, request.work.segment_count, request.position, length, part, &bytes);
  OutgoingMessage message{.operation = Operation::kChunk,
                          .flags = kInArea,
                          .length = static_cast<std::uint32_t>(bytes),
                          .segments = part,
                          .segment_count = static_cast<std::uint32_t>(count)};
  message.set_body(ChunkBody{0, 0, request.transfer});
  if (const int error = channel.send(message)) return error;
  request.position += bytes;
  return 0;
}

}  // namespace

void request_chunks(Exchange& exchange, IncomingTransfer& transfer) {
  transfer.state = TransferState::kChunks;
  transfer.front = 0;
  OutgoingMessage message{.operation = Operation::kSendChunks};
  message.set_body(SendChunksBody{transfer.envelope.request, exchange.transfers.id(&transfer), transfer.wanted});
  post_control(exchange, *transfer.envelope.peer, message);
}

Verdict on_send_chunks(Exchange& exchange, Peer& peer, const IncomingMessage& message) {
  const auto body = message.body_as<SendChunksBody>();
  SendRequest* request = find_announced(exchange, peer, body.request);
  if (request == nullptr || body.length > request->work.length || body.length == 0) return Verdict::kMalformed;
  stop_moving(exchange, *request);
  request->state = SendState::kStreaming;
  request->transfer = body.transfer;
  request->wanted = body.length;
  request->position = 0;
  exchange.streaming.push_back(request);
  return Verdict::kTaken;
}

Verdict on_chunk(Exchange& exchange, Peer& peer, const IncomingMessage& message) {
  if ((message.flags & kInArea) == 0) return Verdict::kMalformed;
  IncomingTransfer* transfer = exchange.transfers.find(message.body_as<ChunkBody>().transfer);
  if (transfer == nullptr || transfer->envelope.peer != &peer || transfer->state != TransferState::kChunks ||
      message.length > transfer->wanted - transfer->front)
    return Verdict::kMalformed;
  const ReceiveRequest& receive = *transfer->receive;
  scatter(receive.segments, receive.segment_count, transfer->offset + transfer->front, message.payload, message.length);
  transfer->front += message.length;
  if (transfer->front == transfer->wanted) finish_transfer(exchange, *transfer, 0);
  return Verdict::kTaken;
}

void push_streams(Exchange& exchange) {
  exchange.streaming.for_each([&](SendRequest* request) {
    int error;
    while ((error = push_chunk(*request)) == 0 && request->position < request->wanted) {
    }
    Peer& peer = *request->peer;
    if (request->position == request->wanted) stop_moving(exchange, *request);
    if (error != 0 && error != -EAGAIN) begin_loss(exchange, peer, -error);
    return true;
  });
}

}  // namespace anchor
