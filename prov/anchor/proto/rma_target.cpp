// SPDX-License-Identifier: BSD-2-Clause
// The target's side: what peers do with our memory through the FIFO, and what they tell of doing it directly.
//
// The initiator has checked already, but is not believed: each message is checked against the registry, under whose
// lock the bytes are moved, so that a region that was closed is not touched.
#include <algorithm>
#include <cerrno>

#include "core/completion_flags.h"
#include "os/gather.h"
#include "proto/loss.h"
#include "proto/outbox.h"
#include "proto/rma.h"

namespace anchor {
namespace {

// Reads of one peer that are served at once, at most: as many as it may have outstanding (one for each target).
constexpr std::uint32_t kMaxServedReads = kMaxTransmitSize * kMaxSegments;

bool may_answer(const Peer& peer) noexcept {
  return peer.control.size() <= kMaxOwedControl || peer.state == PeerState::kLeaving;
}

template <class Use>
int access_memory(Exchange& exchange, const RemoteAccess& wanted, Use&& use) noexcept {
  if (exchange.memory == nullptr) return -EKEYREJECTED;
  const auto touch = wanted.rights == kRemoteWrite ? MemoryProbe::Touch::kWrite : MemoryProbe::Touch::kRead;
  return exchange.memory->access(wanted, [&](const MemoryRegion&, const iovec* pieces, std::uint32_t count) {
    const int error = exchange.probe.check_all(pieces, count, touch);
    return error == 0 ? use(pieces, count) : error;
  });
}

// Whether somebody may use the memory at all: it is touched bit by bit.
int check_access(Exchange& exchange, const RemoteAccess& wanted) noexcept {
  if (exchange.memory == nullptr) return -EKEYREJECTED;
  return exchange.memory->access(wanted, [](const MemoryRegion&, const iovec*, std::uint32_t) { return 0; });
}

int write_bytes(Exchange& exchange, const IncomingMessage& message, std::uint64_t address) noexcept {
  return access_memory(exchange, {message.tag, address, message.length, kRemoteWrite, &exchange},
                       [&](const iovec* pieces, std::uint32_t count) {
                         scatter(pieces, count, 0, message.payload, message.length);
                         return 0;
                       });
}

// One part of what a peer wants to read. 0: sent. -EAGAIN: no room.
int push_read_chunk(Exchange& exchange, ServedRead& read) noexcept {
  Channel& channel = *read.peer->channel;
  const std::uint64_t largest = read.left <= channel.max_payload() ? read.left : channel.chunk_size();
  const auto length = static_cast<std::uint32_t>(std::min(read.left, largest));
  return access_memory(exchange, {read.key, read.address, length, kRemoteRead, &exchange},
                       [&](const iovec* pieces, std::uint32_t count) {
                         OutgoingMessage message{.operation = Operation::kReadChunk,
                                                 .flags = kInArea | kCarriesTail,
                                                 .length = length,
                                                 .segments = pieces,
                                                 .segment_count = count};
                         message.set_body(ReadChunkBody{0, 0, read.request, read.position});
                         const int error = channel.send(message);
                         if (error != 0) return error;
                         read.position += length;
                         read.address += length;
                         read.left -= length;
                         return 0;
                       });
}

void release_read(Exchange& exchange, ServedRead& read) noexcept {
  --read.peer->served_reads;
  exchange.serving.remove(&read);
  exchange.served.release(&read);
}

// Until there is no room, or it is done. Returns whether there is room left.
bool push_read(Exchange& exchange, ServedRead& read) {
  int error = 0;
  while (read.left != 0 && error == 0) error = push_read_chunk(exchange, read);
  Peer& peer = *read.peer;
  if (error == -EAGAIN) return false;
  if (error == -EPROTO) {
    begin_loss(exchange, peer, EPROTO);
    return false;
  }
  if (error == 0) {
    note_access(exchange, peer, {read.key, kRemoteRead, read.last, false, 0, 0});
  } else {
    post_remote_finish(exchange, peer, read.request, error);
  }
  release_read(exchange, read);
  return true;
}

// An operation that its initiator may withdraw, in its turn. It is answered at once, or not begun: what has been
// carried out must not wait for us to be told.
template <class CarryOut>
Verdict take_turn(Peer& peer, CarryOut&& carry_out) {
  if (peer.distant()) [[unlikely]]
    return Verdict::kMalformed;  // the gate has a writer at either end: between hosts no line has
  TargetGate& gate = peer.channel->incoming_gate();
  const bool leaving = peer.state == PeerState::kLeaving;
  const TargetGate::Turn turn = gate.claim();
  // Of one who has left in the middle of it nobody will ever be told.
  if (turn == TargetGate::Turn::kNobody && !leaving) return Verdict::kNotNow;
  if (turn == TargetGate::Turn::kOurs) {
    if (!leaving && (!peer.control.empty() || !peer.channel->has_room())) return Verdict::kNotNow;
    const Verdict verdict = carry_out();
    if (verdict != Verdict::kTaken) return verdict;
  }
  gate.pass();
  return Verdict::kTaken;
}

Verdict carry_out_write(Exchange& exchange, Peer& peer, const IncomingMessage& message) {
  const auto body = message.body_as<RemoteWriteBody>();
  const int error = write_bytes(exchange, message, body.address);
  if (error == 0) note_access(exchange, peer, {message.tag, kRemoteWrite, true, false, 0, 0});
  post_remote_finish(exchange, peer, body.request, error);
  return Verdict::kTaken;
}

Verdict carry_out_read(Exchange& exchange, Peer& peer, const IncomingMessage& message) {
  const auto body = message.body_as<RemoteReadBody>();
  ServedRead read{.peer = &peer,
                  .request = body.request,
                  .position = body.position,
                  .key = message.tag,
                  .address = body.address,
                  .left = body.length,
                  .last = true};
  const int error = peer.channel->connected() ? push_read_chunk(exchange, read) : 0;
  if (error == -EAGAIN && peer.state != PeerState::kLeaving) return Verdict::kNotNow;
  if (error == -EPROTO) return Verdict::kMalformed;
  if (error == 0) {
    note_access(exchange, peer, {read.key, kRemoteRead, true, false, 0, 0});
  } else {
    post_remote_finish(exchange, peer, read.request, error);
  }
  return Verdict::kTaken;
}

}  // namespace

bool may_note(const Exchange& exchange, bool has_data) noexcept {
  return !has_data || exchange.receive_queue == nullptr || !exchange.receive_queue->full();
}

void note_access(Exchange& exchange, const Peer& peer, const AccessNotice& notice) noexcept {
  if (exchange.memory != nullptr) exchange.memory->count(notice.key, notice.rights, &exchange);
  if (!notice.last) return;
  const bool read = notice.rights == kRemoteRead;
  // fi_endpoint(3): counting accesses takes FI_RMA_EVENT. Data is an event by itself.
  if (exchange.settings.access_events || notice.has_data)
    if (Counter* counter = read ? exchange.remote_read_counter : exchange.remote_write_counter) counter->add();
  if (!notice.has_data || exchange.receive_queue == nullptr) return;
  exchange.receive_queue->push({.context = nullptr,
                                .flags = kCompletionRma | kCompletionRemoteWrite | kCompletionRemoteData,
                                .length = notice.length,
                                .buffer = nullptr,
                                .data = notice.data,
                                .tag = 0,
                                .source = peer.reported});
}

Verdict on_remote_write(Exchange& exchange, Peer& peer, const IncomingMessage& message) {
  const auto body = message.body_as<RemoteWriteBody>();
  if ((message.flags & kInArea) == 0) return Verdict::kMalformed;
  const bool last = body.request != 0;
  const bool has_data = last && (message.flags & kHasRemoteData);
  if (message.flags & kWithdrawable) [[likely]] {
    if (!last || has_data) return Verdict::kMalformed;
    return take_turn(peer, [&] { return carry_out_write(exchange, peer, message); });
  }
  if (!may_note(exchange, has_data) || !may_answer(peer)) return Verdict::kNotNow;
  if (peer.write_error == 0) peer.write_error = write_bytes(exchange, message, body.address);
  const int error = peer.write_error;
  if (error == 0 && body.ends_target != 0)
    note_access(exchange, peer, {message.tag, kRemoteWrite, last, has_data, message.data, body.written});
  if (!last) return Verdict::kTaken;
  peer.write_error = 0;
  post_remote_finish(exchange, peer, body.request, error);
  return Verdict::kTaken;
}

Verdict on_remote_read(Exchange& exchange, Peer& peer, const IncomingMessage& message) {
  const auto body = message.body_as<RemoteReadBody>();
  if (message.flags & kWithdrawable) [[likely]] {
    if (body.length == 0 || body.length > peer.channel->max_payload()) return Verdict::kMalformed;
    return take_turn(peer, [&] { return carry_out_read(exchange, peer, message); });
  }
  if (peer.state == PeerState::kLeaving) return Verdict::kTaken;  // nobody waits for these bytes any more
  if (!may_answer(peer) || peer.served_reads >= kMaxServedReads) return Verdict::kNotNow;
  // All of it, so that the peer gets nothing of what it may not read as a whole.
  const int error = check_access(exchange, {message.tag, body.address, body.length, kRemoteRead, &exchange});
  if (error != 0) {
    post_remote_finish(exchange, peer, body.request, error);
    return Verdict::kTaken;
  }
  ServedRead* read = exchange.served.acquire();
  if (read == nullptr) return Verdict::kNotNow;
  *read = {.peer = &peer,
           .request = body.request,
           .position = body.position,
           .key = message.tag,
           .address = body.address,
           .left = body.length,
           .last = body.last != 0};
  exchange.serving.push_back(read);
  if (peer.served_reads++ == 0) push_read(exchange, *read);  // else behind those that wait for room
  return Verdict::kTaken;
}

Verdict on_remote_notice(Exchange& exchange, Peer& peer, const IncomingMessage& message) {
  const auto body = message.body_as<RemoteNoticeBody>();
  if (body.rights != kRemoteRead && body.rights != kRemoteWrite) return Verdict::kMalformed;
  const bool has_data = (message.flags & kHasRemoteData) != 0;
  if (!may_note(exchange, has_data) || !may_answer(peer)) return Verdict::kNotNow;
  note_access(exchange, peer, {message.tag, body.rights, body.last != 0, has_data, message.data, body.length});
  if (body.request != 0) post_remote_finish(exchange, peer, body.request, 0);
  return Verdict::kTaken;
}

// Where one found no room no other of that peer is tried: it takes system calls, as the memory is probed first.
void push_served_reads(Exchange& exchange) {
  const Peer* full = nullptr;
  exchange.serving.for_each([&](ServedRead* read) {
    const Peer* peer = read->peer;
    if (peer != full && peer->state == PeerState::kConnected && !push_read(exchange, *read)) full = peer;
    return true;
  });
}

void drop_served_reads(Exchange& exchange, Peer& peer) noexcept {
  exchange.serving.for_each([&](ServedRead* read) {
    if (read->peer == &peer) release_read(exchange, *read);
    return true;
  });
}

}  // namespace anchor
