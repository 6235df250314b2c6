// SPDX-License-Identifier: BSD-2-Clause
// The sender's half of the rendezvous.
#include <algorithm>
#include <cerrno>

#include "os/gather.h"
#include "proto/completion.h"
#include "proto/loss.h"
#include "proto/rendezvous.h"
#include "proto/share_assist.h"

namespace anchor {
namespace {

// Where the part begins that the receiver has read by itself.
std::uint64_t end_of_stream(const SendRequest& request) noexcept {
  const std::uint64_t word = request.peer->channel->pulled_by_peer();
  if (!pulled_of(word, request.transfer)) return request.wanted;
  return std::min(pulled_position(word), request.wanted);
}

// Large pieces cost less, several overlap better: a message that is not much longer than a piece is cut in four, but
// into none so small that handing it over takes as long as copying it.
std::uint64_t piece_size(const SendRequest& request) noexcept {
  constexpr std::uint64_t kLeast = 8192;
  const std::uint64_t quarter = round_up(request.wanted / 4, kCacheLine);
  return std::min<std::uint64_t>(std::max(quarter, kLeast), request.peer->channel->chunk_size());
}

// One chunk. 0, or -EAGAIN when the FIFO is full.
int push_chunk(SendRequest& request, std::uint64_t end) noexcept {
  Channel& channel = *request.peer->channel;
  const std::uint64_t length = std::min(piece_size(request), end - request.position);
  iovec part[kMaxSegments];
  std::size_t bytes;
  const std::size_t count = slice(request.segments, request.work.segment_count, request.position, length, part, &bytes);
  OutgoingMessage message{.operation = Operation::kChunk,
                          .flags = kInArea | kCarriesTail,
                          .length = static_cast<std::uint32_t>(bytes),
                          .segments = part,
                          .segment_count = static_cast<std::uint32_t>(count)};
  message.set_body(ChunkBody{0, 0, request.transfer});
  if (const int error = channel.send(message)) return error;
  request.position += bytes;
  return 0;
}

// 0: all is sent. -EAGAIN: more when there is room.
int push_stream(SendRequest& request, std::uint64_t* allowance) noexcept {
  if (request.destination != nullptr) return push_placed(request, allowance);
  for (;;) {
    const std::uint64_t end = end_of_stream(request);
    if (request.position >= end) return 0;
    if (const int error = push_chunk(request, end)) return error;
  }
}

// The one that `id` of a message from `peer` names, in its FIFO; nullptr if it is none of this peer's.
SendRequest* find_sent(Exchange& exchange, const Peer& peer, std::uint64_t id) noexcept {
  SendRequest* request = exchange.sends.find(id);
  return request != nullptr && request->peer == &peer && request->state != SendState::kWaiting ? request : nullptr;
}

}  // namespace

// Not one that was sent with its bytes: if it was injected, its buffer is the application's again.
SendRequest* find_announced(Exchange& exchange, const Peer& peer, std::uint64_t id) noexcept {
  SendRequest* request = find_sent(exchange, peer, id);
  return request != nullptr && request->state != SendState::kSent ? request : nullptr;
}

void stop_streaming(Exchange& exchange, SendRequest& request) noexcept {
  if (request.state == SendState::kStreaming) exchange.streaming.remove(&request);
  request.state = SendState::kAnnounced;
}

Verdict on_clear_to_send(Exchange& exchange, Peer& peer, const IncomingMessage& message) {
  const auto body = message.body_as<ClearToSendBody>();
  SendRequest* request = find_announced(exchange, peer, body.request);
  if (request == nullptr || body.length > request->work.length) return Verdict::kMalformed;
  stop_streaming(exchange, *request);
  if (message.data != 0) {
    if (body.piece > UINT32_MAX) return Verdict::kMalformed;
    const TakenShare offer{.piece = static_cast<std::uint32_t>(body.piece),
                           .rights = kRemoteRead,
                           .request = body.request,
                           .initiator_address = body.receiver_address,
                           .length = body.length};
    return take_share(exchange, peer, offer, message.data) ? Verdict::kTaken : Verdict::kMalformed;
  }
  request->state = SendState::kStreaming;
  request->transfer = body.transfer;
  request->wanted = body.length;
  request->position = 0;
  // What is not to be touched after all goes through the FIFO.
  const bool placed = peer.distant() && body.receiver_address != 0;
  request->destination = placed ? peer.region->placed(body.receiver_address, 0, body.length) : nullptr;
  exchange.streaming.push_back(request);
  return Verdict::kTaken;
}

void push_streams(Exchange& exchange) {
  std::uint64_t allowance = kPlacedSize;
  exchange.streaming.for_each([&](SendRequest* request) {
    Peer& peer = *request->peer;
    const bool through_fifo = request->destination == nullptr;
    if (through_fifo && peer.stalled_in_pass == exchange.passes) return true;  // the room is for those before it
    const int error = push_stream(*request, &allowance);
    if (error == 0) stop_streaming(exchange, *request);
    if (error == -EAGAIN && through_fifo) peer.stalled_in_pass = exchange.passes;
    if (error != 0 && error != -EAGAIN) begin_loss(exchange, peer, -error);
    return true;
  });
}

Verdict on_finish(Exchange& exchange, Peer& peer, const IncomingMessage& message) {
  const auto body = message.body_as<FinishBody>();
  SendRequest* request = find_sent(exchange, peer, body.request);
  if (request == nullptr) return Verdict::kMalformed;
  // What fits was announced because it was of a stream: a connection's max_payload() never changes.
  const bool streamed = request->state != SendState::kSent && request->work.length <= peer.channel->max_payload();
  stop_streaming(exchange, *request);
  if (body.status == 0) {
    complete_send(exchange, request->work);
  } else {
    fail_send(exchange, request->work, error_in(body.status));
  }
  if (streamed) {
    --exchange.streamed_sends;
    peer.stream.has_ended(true, request->work.length);
    if (exchange.send_queue != nullptr) peer.stream.ends_at(exchange.send_queue->position());
  }
  exchange.sends.release(request);
  return Verdict::kTaken;
}

}  // namespace anchor
