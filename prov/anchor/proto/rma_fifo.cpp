// SPDX-License-Identifier: BSD-2-Clause
// The initiator's side of reads and writes through the FIFO: small ones, and all where the kernel refuses to move the
// bytes.
#include <algorithm>
#include <cerrno>

#include "os/gather.h"
#include "proto/completion.h"
#include "proto/outbox.h"
#include "proto/remote.h"
#include "proto/rma.h"

namespace anchor {
namespace {

// Where a position of an operation lies at the peer.
struct Spot {
  std::uint32_t target;
  std::uint64_t offset;  // in that target
};

Spot spot_at(const RemoteWork& work, std::uint64_t position) noexcept {
  std::uint32_t target = 0;
  while (target + 1 < work.target_count && position >= work.targets[target].length)
    position -= work.targets[target++].length;
  return {target, position};
}

// The next bytes of a write. 0, or -EAGAIN when the FIFO is full. Moves *position on; `id`: 0 or the name to be
// answered, for the last ones.
int push_write(Channel& channel, const RemoteWork& work, std::uint64_t id, std::uint8_t flags,
               std::uint64_t* position) noexcept {
  const Spot spot = spot_at(work, *position);
  const RemoteTarget& target = work.targets[spot.target];
  // As in a rendezvous: parts of a quarter of the area, unless all goes at once.
  const std::uint64_t left = work.base.length - *position;
  const std::uint64_t largest = left <= channel.max_payload() ? left : channel.chunk_size();
  const std::uint64_t length = std::min(largest, target.length - spot.offset);
  const bool last = *position + length == work.base.length && spot.target + 1 == work.target_count;

  iovec part[kMaxSegments];
  std::size_t bytes;
  const std::size_t count = slice(work.base.segments, work.base.segment_count, *position, length, part, &bytes);
  const bool data = last && (work.base.flags & kRemoteData);
  OutgoingMessage message{.operation = Operation::kRemoteWrite,
                          .flags = static_cast<std::uint8_t>(kInArea | flags | (data ? kHasRemoteData : 0)),
                          .length = static_cast<std::uint32_t>(bytes),
                          .tag = target.key,
                          .data = work.base.data,
                          .segments = part,
                          .segment_count = static_cast<std::uint32_t>(count)};
  message.set_body(RemoteWriteBody{.offset = 0,
                                   .ends_target = spot.offset + length == target.length ? 1u : 0u,
                                   .request = last ? id : 0,
                                   .address = target.address + spot.offset,
                                   .written = work.base.length});
  if (const int error = channel.send(message)) return error;
  *position += bytes;
  return last ? 0 : -EINPROGRESS;
}

// 0: all has gone. -EAGAIN: the rest when there is room.
int push_writes(Exchange& exchange, Peer& peer, RemoteRequest& request, std::uint8_t flags) noexcept {
  const RemoteWork work = request.remote_work();
  int error;
  do {
    error = push_write(*peer.channel, work, exchange.remotes.id(&request), flags, &request.position);
  } while (error == -EINPROGRESS);
  return error;
}

OutgoingMessage ask_for(const RemoteRequest& request, std::uint64_t id, std::uint32_t target, std::uint64_t position,
                        std::uint8_t flags) noexcept {
  const RemoteTarget& wanted = request.targets[target];
  OutgoingMessage message{.operation = Operation::kRemoteRead, .flags = flags, .tag = wanted.key};
  message.set_body(RemoteReadBody{.request = id,
                                  .address = wanted.address,
                                  .length = wanted.length,
                                  .position = position,
                                  .last = target + 1 == request.target_count ? 1u : 0u,
                                  .reserved = 0});
  return message;
}

// One message a target. Once the first is on its way the others wait before everything else, if they have to.
int push_reads(Exchange& exchange, Peer& peer, RemoteRequest& request, std::uint8_t flags) noexcept {
  if (!peer.control.empty()) return -EAGAIN;
  const std::uint64_t id = exchange.remotes.id(&request);
  if (const int error = peer.channel->send(ask_for(request, id, 0, 0, flags))) return error;
  std::uint64_t position = request.targets[0].length;
  for (std::uint32_t i = 1; i < request.target_count; ++i) {
    post_control(exchange, peer, ask_for(request, id, i, position, flags));
    position += request.targets[i].length;
  }
  return 0;
}

// A short write that leaves as one message, for good, needs no copy of what it injects.
bool leaves_at_once(const Peer& peer, const RemoteWork& work, bool withdrawable) noexcept {
  return work.target_count == 1 && work.base.length <= peer.channel->max_payload() && !withdrawable;
}

// The last or only message of it is in the FIFO.
void leave(Exchange& exchange, Peer& peer, RemoteRequest& request, bool queued, bool withdrawable) noexcept {
  if (queued) peer.waiting.remove(&request);
  if (withdrawable) remember_withdrawable(exchange, peer, request);
  await_answer(peer, request);
}

int start_write(Exchange& exchange, Peer& peer, const RemoteWork& work, RemoteRequest* queued,
                bool withdrawable) noexcept {
  if (peer.unanswered_reads != 0) return -EAGAIN;
  RemoteRequest* request = queued;
  if (request == nullptr)
    request = leaves_at_once(peer, work, withdrawable) ? keep_targets(exchange, peer, work)
                                                       : keep_remote(exchange, peer, work);
  if (request == nullptr) return -EAGAIN;
  const std::uint64_t before = request->position;
  const int error = push_writes(exchange, peer, *request, withdrawable ? kWithdrawable : 0);
  if (error == 0) {
    leave(exchange, peer, *request, queued != nullptr, withdrawable);
    return 0;
  }
  if (queued != nullptr) return error;
  if (request->position == before) {
    exchange.remotes.release(request);
    return error;
  }
  await_turn(exchange, peer, *request);
  return error == -EAGAIN ? 0 : error;
}

int start_read(Exchange& exchange, Peer& peer, const RemoteWork& work, RemoteRequest* queued,
               bool withdrawable) noexcept {
  if (work.base.length == 0) {
    conclude_rma(exchange, peer, work, queued, 0);
    return 0;
  }
  RemoteRequest* request = queued != nullptr ? queued : keep_remote(exchange, peer, work);
  if (request == nullptr) return -EAGAIN;
  if (const int error = push_reads(exchange, peer, *request, withdrawable ? kWithdrawable : 0)) {
    if (queued == nullptr) exchange.remotes.release(request);
    return error;
  }
  request->left = work.base.length;
  leave(exchange, peer, *request, queued != nullptr, withdrawable);
  return 0;
}

}  // namespace

int start_through_fifo(Exchange& exchange, Peer& peer, const RemoteWork& work, RemoteRequest* queued,
                       bool withdrawable) noexcept {
  return work.base.type == WorkType::kRead ? start_read(exchange, peer, work, queued, withdrawable)
                                           : start_write(exchange, peer, work, queued, withdrawable);
}

Verdict on_read_chunk(Exchange& exchange, Peer& peer, const IncomingMessage& message) {
  const auto body = message.body_as<ReadChunkBody>();
  if ((message.flags & kInArea) == 0) return Verdict::kMalformed;
  RemoteRequest* request = find_unanswered(exchange, peer, body.request);
  if (request == nullptr) return Verdict::kTaken;  // another part of it has failed
  if (request->work.type != WorkType::kRead || message.length > request->left || body.position > request->work.length ||
      message.length > request->work.length - body.position)
    return Verdict::kMalformed;
  scatter(request->segments, request->work.segment_count, body.position, message.payload, message.length);
  request->left -= message.length;
  if (request->left == 0) end_remote(exchange, *request, 0);
  return Verdict::kTaken;
}

}  // namespace anchor
