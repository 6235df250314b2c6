// SPDX-License-Identifier: BSD-2-Clause
// The target's half of atomic operations.
#include <cerrno>
#include <cstring>
#include <new>

#include "core/atomic_operation.h"
#include "proto/atomic.h"
#include "proto/loss.h"
#include "proto/outbox.h"

namespace anchor {
namespace {

// A request as its message has it, checked but for what the registry knows.
struct Atomic {
  AtomicBody body;
  AtomicType type;
  AtomicOperation operation;
  AtomicClass family;
  RemoteTarget targets[kMaxSegments];
  const std::byte* operand;  // in the slot's copy, or in the payload area: read once
  const std::byte* compare;
};

// Takes the targets off `*bytes`; false: malformed.
bool read_targets(const IncomingMessage& message, Atomic* atomic, const std::byte** bytes, std::size_t* count) {
  const std::size_t targets = atomic->body.target_count;
  if (targets == 1) {
    atomic->targets[0] = {message.data, atomic->body.length, message.tag};
    return true;
  }
  const std::size_t size = targets * sizeof(RemoteTarget);
  if (targets == 0 || targets > kMaxSegments || *count < size) return false;
  std::memcpy(atomic->targets, *bytes, size);
  *bytes += size;
  *count -= size;
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < targets; ++i) {
    const std::uint64_t length = atomic->targets[i].length;
    if (length > kMaxAtomicSize || length % atomic_size(atomic->type) != 0) return false;
    total += length;
  }
  return total == atomic->body.length;
}

bool read_atomic(const IncomingMessage& message, Atomic* atomic) {
  const std::byte* bytes = message.payload;
  std::size_t count = message.length;
  atomic->body = message.body_as<AtomicBody>();
  if ((message.flags & kInArea) == 0) {
    if (count < sizeof(AtomicBody)) return false;
    bytes += sizeof(AtomicBody);
    count -= sizeof(AtomicBody);
  }
  atomic->type = static_cast<AtomicType>(atomic->body.type);
  atomic->operation = static_cast<AtomicOperation>(atomic->body.operation);
  atomic->family = static_cast<AtomicClass>(atomic->body.family);
  if (!atomic_served(atomic->family, atomic->type, atomic->operation)) return false;
  const std::size_t length = atomic->body.length;
  if (length == 0 || length > kMaxAtomicSize || length % atomic_size(atomic->type) != 0) return false;
  if (!read_targets(message, atomic, &bytes, &count)) return false;
  const std::size_t operand = atomic->operation != AtomicOperation::kRead ? length : 0;
  const std::size_t compare = atomic->family == AtomicClass::kCompare ? length : 0;
  atomic->operand = operand != 0 ? bytes : nullptr;
  atomic->compare = compare != 0 ? bytes + operand : nullptr;
  return count == operand + compare;
}

// fi_atomic(3): a fetching operation's target must allow reading, and whatever changes it writing.
std::uint32_t rights_for(const Atomic& atomic) noexcept {
  return (atomic.family != AtomicClass::kBase ? kRemoteRead : 0u) |
         (atomic_writes(atomic.operation) ? kRemoteWrite : 0u);
}

// What is not part of an operation stays nullptr: it must not be read.
template <class Byte>
Byte* from(Byte* array, std::size_t position) noexcept {
  return array != nullptr ? array + position : nullptr;
}

// The memory of one target, element for element. Pieces of a region are its segments, which need not end between two
// elements.
int apply_to(Exchange& exchange, const Atomic& atomic, const iovec* pieces, std::uint32_t count, std::size_t position,
             std::byte* former) {
  const std::size_t size = atomic_size(atomic.type);
  const auto touch = atomic_writes(atomic.operation) ? MemoryProbe::Touch::kWrite : MemoryProbe::Touch::kRead;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (pieces[i].iov_len % size != 0) return -EINVAL;
    if (const int error = exchange.probe.check(pieces[i].iov_base, pieces[i].iov_len, touch)) return error;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    apply_atomic(atomic.type, atomic.operation,
                 {.target = static_cast<std::byte*>(pieces[i].iov_base),
                  .operand = from(atomic.operand, position),
                  .compare = from(atomic.compare, position),
                  .result = from(former, position),
                  .count = pieces[i].iov_len / size});
    position += pieces[i].iov_len;
  }
  return 0;
}

// fi_cntr(3): what gives the former values back counts as a read.
void count(const Exchange& exchange, const MemoryRegion& region, AtomicClass family, bool last) noexcept {
  const bool write = family == AtomicClass::kBase;
  if (Counter* counter = write ? region.write_counter : region.read_counter; counter != nullptr) counter->add();
  if (!last || !exchange.settings.access_events) return;
  if (Counter* counter = write ? exchange.remote_write_counter : exchange.remote_read_counter; counter != nullptr)
    counter->add();
}

RemoteAccess access_to(const Exchange& exchange, const Atomic& atomic, std::uint32_t index) noexcept {
  const RemoteTarget& target = atomic.targets[index];
  return {target.key, target.address, target.length, rights_for(atomic), &exchange};
}

// `former`: takes the former values; nullptr: they are not wanted.
int carry_out(Exchange& exchange, const Atomic& atomic, std::byte* former) {
  if (exchange.memory == nullptr) return -EKEYREJECTED;
  const std::uint32_t targets = atomic.body.target_count;
  // All are looked at before any is touched.
  for (std::uint32_t i = 0; targets > 1 && i < targets; ++i) {
    const int error = exchange.memory->access(access_to(exchange, atomic, i),
                                              [](const MemoryRegion&, const iovec*, std::uint32_t) { return 0; });
    if (error != 0) return error;
  }
  std::size_t position = 0;
  for (std::uint32_t i = 0; i < targets; ++i) {
    const int error = exchange.memory->access(
        access_to(exchange, atomic, i),
        [&](const MemoryRegion& region, const iovec* pieces, std::uint32_t pieces_count) {
          const int refused = apply_to(exchange, atomic, pieces, pieces_count, position, former);
          if (refused == 0) count(exchange, region, atomic.family, i + 1 == targets);
          return refused;
        });
    if (error != 0) return error;
    position += atomic.targets[i].length;
  }
  return 0;
}

int send_reply(Peer& peer, std::uint64_t request, const std::byte* former, std::size_t length) noexcept {
  const iovec bytes{const_cast<std::byte*>(former), length};
  return peer.channel->send({.operation = Operation::kAtomicReply,
                             .flags = kInArea,
                             .length = static_cast<std::uint32_t>(length),
                             .tag = request,
                             .segments = &bytes,
                             .segment_count = 1});
}

// Former values that fit a slot go like any control message, if they do not go at once.
void post_small_reply(Exchange& exchange, Peer& peer, std::uint64_t request, const std::byte* former,
                      std::size_t length) {
  if (peer.control.empty() && peer.channel && peer.channel->connected() &&
      peer.channel->send_small(small_kind(Operation::kAtomicReply, 0, length), request, 0, former) == 0) [[likely]]
    return;
  OutgoingMessage message{.operation = Operation::kAtomicReply, .tag = request};
  std::memcpy(message.body, former, length);
  post_control(exchange, peer, message);
}

void post_reply(Exchange& exchange, Peer& peer, std::uint64_t request, const std::byte* former, std::size_t length) {
  if (length <= kInlineSize) return post_small_reply(exchange, peer, request, former, length);
  if (!peer.channel || !peer.channel->connected()) return;  // lost meanwhile: nobody waits for it
  if (peer.replies.empty() && send_reply(peer, request, former, length) == 0) return;
  try {
    peer.replies.push_back({request, std::vector(former, former + length)});
    peer.owed_bytes += length;
    mark_backlogged(exchange, peer);
  } catch (const std::bad_alloc&) {
    begin_loss(exchange, peer, ENOMEM);  // it would wait for ever for this
  }
}

// As for messages (arrival.cpp): whoever does not collect its answers is not listened to.
bool owed_too_much(const Exchange& exchange, const Peer& peer) noexcept {
  return peer.state != PeerState::kLeaving &&
         (peer.control.size() > kMaxOwedControl || peer.owed_bytes > exchange.settings.unexpected_limit);
}

}  // namespace

Verdict on_atomic(Exchange& exchange, Peer& peer, const IncomingMessage& message) {
  if (owed_too_much(exchange, peer)) [[unlikely]]
    return Verdict::kNotNow;
  Atomic atomic;
  if (!read_atomic(message, &atomic)) [[unlikely]]
    return Verdict::kMalformed;
  alignas(16) std::byte former[kMaxAtomicSize];
  const bool fetches = atomic.family != AtomicClass::kBase;
  const int error = carry_out(exchange, atomic, fetches ? former : nullptr);
  if (error == 0 && fetches) {
    post_reply(exchange, peer, atomic.body.request, former, atomic.body.length);
  } else {
    post_remote_finish(exchange, peer, atomic.body.request, error);
  }
  return Verdict::kTaken;
}

int flush_replies(Peer& peer) noexcept {
  while (!peer.replies.empty()) {
    const OwedReply& reply = peer.replies.front();
    if (const int error = send_reply(peer, reply.request, reply.former.data(), reply.former.size())) return error;
    peer.owed_bytes -= reply.former.size();
    peer.replies.pop_front();
  }
  return 0;
}

}  // namespace anchor
