// SPDX-License-Identifier: BSD-2-Clause
#include "proto/rendezvous.h"

#include <algorithm>
#include <cerrno>

#include "os/gather.h"
#include "os/log.h"
#include "os/status.h"
#include "proto/arrival.h"
#include "proto/chunks.h"
#include "proto/completion.h"
#include "proto/cooperate.h"
#include "proto/outbox.h"

namespace anchor {
namespace {

// The kernel's word that the sender's memory is out of reach for good, not that an address in it is wrong.
bool out_of_reach(std::ptrdiff_t result) noexcept {
  return result == -EPERM || result == -ESRCH || result == -ENOSYS || result == -EACCES;
}

void pull_alone(Exchange& exchange, IncomingTransfer& transfer) {
  const std::ptrdiff_t moved = pull_bytes(transfer, transfer.front, kPullChunk);
  if (out_of_reach(moved)) {
    ANCHOR_INFO(kEndpoint, "memory of %s can no longer be read directly (errno %d): its messages go through the FIFO",
                transfer.envelope.peer->name.bytes.data(), static_cast<int>(-moved));
    exchange.pulling.remove(&transfer);
    transfer.envelope.peer->direct.reset();
    request_chunks(exchange, transfer);
    return;
  }
  if (moved <= 0) return finish_transfer(exchange, transfer, moved == 0 ? EFAULT : static_cast<int>(-moved));
  transfer.front += static_cast<std::uint64_t>(moved);
  if (transfer.front == transfer.wanted) finish_transfer(exchange, transfer, 0);
}

void pull(Exchange& exchange, IncomingTransfer& transfer) {
  if (transfer.state == TransferState::kCooperating) {
    pull_together(exchange, transfer);
  } else {
    pull_alone(exchange, transfer);
  }
}

}  // namespace

std::ptrdiff_t pull_bytes(const IncomingTransfer& transfer, std::uint64_t position, std::size_t length) noexcept {
  iovec remote[kMaxSegments];
  for (std::uint32_t i = 0; i < transfer.segments.count; ++i)
    remote[i] = {reinterpret_cast<void*>(transfer.segments.list[i].address), transfer.segments.list[i].length};
  length = std::min<std::uint64_t>(length, transfer.wanted - position);

  iovec from[kMaxSegments];
  iovec to[kMaxSegments];
  std::size_t bytes;
  const std::size_t from_count = slice(remote, transfer.segments.count, position, length, from, &bytes);
  const ReceiveRequest& receive = *transfer.receive;
  const std::size_t to_count =
      slice(receive.segments, receive.segment_count, transfer.offset + position, length, to, &bytes);
  return transfer.envelope.peer->direct->read(to, to_count, from, from_count);
}

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
  transfer->error = 0;
  transfer->segments = segments;

  if (envelope.peer->direct == nullptr && transfer->wanted != 0) return request_chunks(exchange, *transfer);
  exchange.pulling.push_back(transfer);
  transfer->state = TransferState::kPulling;
  if (transfer->wanted == 0) return finish_transfer(exchange, *transfer, 0);
  if (worth_cooperating(*transfer)) request_cooperation(exchange, *transfer);
  pull(exchange, *transfer);
}

void pull_transfers(Exchange& exchange) {
  exchange.pulling.for_each([&](IncomingTransfer* transfer) {
    pull(exchange, *transfer);
    return true;
  });
}

void finish_transfer(Exchange& exchange, IncomingTransfer& transfer, int error) {
  if (transfer.state != TransferState::kChunks) exchange.pulling.remove(&transfer);
  Peer& peer = *transfer.envelope.peer;
  if (transfer.state == TransferState::kCooperating) peer.cooperating = false;
  if (transfer.envelope.request != 0) post_finish(exchange, peer, transfer.envelope.request, -error);
  if (error == 0 && transfer.wanted < transfer.envelope.length) error = kTruncated;
  const std::size_t received = error == 0 || error == kTruncated ? transfer.wanted : 0;
  finish_receive(exchange, *transfer.receive, transfer.envelope, transfer.offset, received, error);
  exchange.transfers.release(&transfer);
}

SendRequest* find_announced(Exchange& exchange, const Peer& peer, std::uint64_t id) noexcept {
  SendRequest* request = exchange.sends.find(id);
  return request != nullptr && request->peer == &peer && request->state != SendState::kWaiting ? request : nullptr;
}

void stop_moving(Exchange& exchange, SendRequest& request) noexcept {
  if (request.state == SendState::kCooperating) exchange.cooperating.remove(&request);
  if (request.state == SendState::kStreaming) exchange.streaming.remove(&request);
  request.state = SendState::kAnnounced;
}

Verdict on_finish(Exchange& exchange, Peer& peer, const IncomingMessage& message) {
  const auto body = message.body_as<FinishBody>();
  SendRequest* request = find_announced(exchange, peer, body.request);
  if (request == nullptr) return Verdict::kMalformed;
  stop_moving(exchange, *request);
  if (body.status == 0) {
    complete_send(exchange, request->work);
  } else {
    // A value of the peer's: any that is no errno becomes a protocol error.
    fail_send(exchange, request->work,
              body.status < 0 && body.status > -4096 ? static_cast<int>(-body.status) : EPROTO);
  }
  exchange.sends.release(request);
  return Verdict::kTaken;
}

}  // namespace anchor
