// SPDX-License-Identifier: BSD-2-Clause
// The initiator's half of atomic operations.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "os/gather.h"
#include "os/small_copy.h"
#include "proto/atomic.h"
#include "proto/connection.h"
#include "proto/limits.h"
#include "proto/loss.h"
#include "proto/outbox.h"
#include "proto/remote.h"

namespace anchor {
namespace {

// Everything a message can be made of: targets, operand, values to compare with.
constexpr std::size_t kMaxParts = 1 + 2 * kMaxSegments;
static_assert(kMaxSegments * sizeof(RemoteTarget) + 2 * kMaxAtomicSize <=
              BlockGeometry{kMinSlots, kMinPayloadArea}.max_payload());

struct Parts {
  iovec list[kMaxParts];
  std::uint32_t count = 0;
  std::size_t bytes = 0;

  void add(const void* address, std::size_t length) noexcept {
    list[count++] = {const_cast<void*>(address), length};
    bytes += length;
  }
  void add(const iovec* segments, std::uint32_t segment_count) noexcept {
    for (std::uint32_t i = 0; i < segment_count; ++i) add(segments[i].iov_base, segments[i].iov_len);
  }
};

// Most: a word or two, for one place.
int send_in_slot(Peer& peer, const RemoteRequest& request, const AtomicBody& body, const Parts& values) noexcept {
  std::byte bytes[kInlineSize];
  std::memcpy(bytes, &body, sizeof body);
  std::byte* place = bytes + sizeof body;
  for (std::uint32_t i = 0; i < values.count; ++i) {
    small_copy(place, values.list[i].iov_base, values.list[i].iov_len);
    place += values.list[i].iov_len;
  }
  return peer.channel->send_small(small_kind(Operation::kAtomic, 0, sizeof body + values.bytes), request.targets[0].key,
                                  request.targets[0].address, bytes);
}

int send_in_area(Peer& peer, const RemoteRequest& request, const AtomicBody& body, const Parts& values) noexcept {
  OutgoingMessage message{.operation = Operation::kAtomic,
                          .flags = kInArea,
                          .tag = request.targets[0].key,
                          .data = request.targets[0].address};
  message.set_body(body);
  Parts parts;
  if (request.target_count > 1) parts.add(request.targets, request.target_count * sizeof request.targets[0]);
  parts.add(values.list, values.count);
  message.length = static_cast<std::uint32_t>(parts.bytes);
  message.segments = parts.list;
  message.segment_count = parts.count;
  return peer.channel->send(message);
}

// `values`: operand and values to compare with, one behind the other.
int send(Exchange& exchange, Peer& peer, RemoteRequest& request, const Parts& values) noexcept {
  const AtomicBody body{.offset = 0,
                        .type = static_cast<std::uint8_t>(request.atomic_type),
                        .operation = static_cast<std::uint8_t>(request.atomic_operation),
                        .family = static_cast<std::uint8_t>(family_of(request.work.type)),
                        .target_count = static_cast<std::uint8_t>(request.target_count),
                        .length = static_cast<std::uint32_t>(request.work.length),
                        .reserved = 0,
                        .request = exchange.remotes.id(&request)};
  const bool in_slot = request.target_count == 1 && sizeof body + values.bytes <= kInlineSize;
  const int error = in_slot ? send_in_slot(peer, request, body, values) : send_in_area(peer, request, body, values);
  if (error == 0) await_answer(peer, request);
  return error;
}

// What is done at once needs no copy of its values.
RemoteRequest* keep_atomic(Exchange& exchange, Peer& peer, const AtomicWork& work) noexcept {
  RemoteRequest* request = exchange.remotes.acquire();
  if (request == nullptr) return nullptr;
  request->work = work.remote.base;
  request->peer = &peer;
  request->target_count = work.remote.target_count;
  std::copy_n(work.remote.targets, work.remote.target_count, request->targets);
  request->atomic_type = work.type;
  request->atomic_operation = work.operation;
  request->result_count = work.result_count;
  std::copy_n(work.results, work.result_count, request->results);
  return request;
}

Parts values_of(const AtomicWork& work) noexcept {
  Parts values;
  values.add(work.remote.base.segments, work.remote.base.segment_count);
  values.add(work.compares, work.compare_count);
  return values;
}

// Injected or not, the values are copied: they are few.
bool keep_values(RemoteRequest& request, const Parts& values) noexcept {
  request.copy.reset(new (std::nothrow) std::byte[values.bytes + 1]);
  if (!request.copy) return false;
  gather(request.copy.get(), values.list, values.count, 0, values.bytes);
  request.segments[0] = {request.copy.get(), values.bytes};
  request.work.segments = request.segments;
  request.work.segment_count = 1;
  return true;
}

// Not connected yet, or fenced.
int queue(Exchange& exchange, Peer& peer, const AtomicWork& work) {
  reserve_peer_lists(exchange);
  RemoteRequest* request = keep_atomic(exchange, peer, work);
  if (request == nullptr) return -EAGAIN;
  if (!keep_values(*request, values_of(work))) {
    exchange.remotes.release(request);
    return -EAGAIN;
  }
  await_turn(exchange, peer, *request);
  return 0;
}

// FIFO reads are answered at the peer's leisure: what changes the memory comes after them.
bool must_wait(const Peer& peer) noexcept { return peer.state != PeerState::kConnected || peer.unanswered_reads != 0; }

}  // namespace

int begin_atomic(Exchange& exchange, Peer& peer, const AtomicWork& work) {
  if (peer.state != PeerState::kConnected || (work.remote.base.flags & kFence)) [[unlikely]]
    return queue(exchange, peer, work);
  if (!peer.waiting.empty() || must_wait(peer)) [[unlikely]]
    return -EAGAIN;
  RemoteRequest* request = keep_atomic(exchange, peer, work);
  if (request == nullptr) [[unlikely]]
    return -EAGAIN;
  const int error = send(exchange, peer, *request, values_of(work));
  if (error == 0) [[likely]]
    return 0;
  exchange.remotes.release(request);
  if (error != -EAGAIN) begin_loss(exchange, peer, -error);
  return -EAGAIN;
}

int start_atomic(Exchange& exchange, Peer& peer, RemoteRequest& request) noexcept {
  if (must_wait(peer)) return -EAGAIN;
  Parts values;
  values.add(request.segments, 1);
  const int error = send(exchange, peer, request, values);
  if (error == 0) peer.waiting.remove(&request);
  return error;
}

Verdict on_atomic_reply(Exchange& exchange, Peer& peer, const IncomingMessage& message) {
  RemoteRequest* request = find_unanswered(exchange, peer, message.tag);
  if (request == nullptr || request->result_count == 0) return Verdict::kMalformed;
  const bool in_area = (message.flags & kInArea) != 0;
  if (in_area ? message.length != request->work.length : request->work.length > kInlineSize) return Verdict::kMalformed;
  const void* former = in_area ? static_cast<const void*>(message.payload) : message.body;
  scatter(request->results, request->result_count, 0, former, request->work.length);
  end_remote(exchange, *request, 0);
  return Verdict::kTaken;
}

}  // namespace anchor
