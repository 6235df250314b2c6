// SPDX-License-Identifier: BSD-2-Clause
#include "proto/arrival.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "os/gather.h"
#include "os/small_copy.h"
#include "os/status.h"
#include "proto/completion.h"
#include "proto/connect.h"
#include "proto/limits.h"
#include "proto/loss.h"
#include "proto/outbox.h"
#include "proto/rendezvous.h"

namespace anchor {
namespace {

// Backpressure: what a message causes must have somewhere to go. A peer that is leaving collects no answers and sends
// no more than is in its ring: only the application is waited for.
[[gnu::always_inline]] inline bool must_wait(const Exchange& exchange, const Peer& peer) noexcept {
  return (exchange.receive_queue != nullptr && exchange.receive_queue->full()) ||
         (!peer.control.empty() && peer.control.size() > kMaxOwedControl && peer.state != PeerState::kLeaving);
}

[[gnu::always_inline]] inline ReceiveRequest* find_receive(Exchange& exchange, const Envelope& envelope) noexcept {
  return static_cast<ReceiveRequest*>(
      exchange.matcher(envelope.tagged).find_receive(envelope.peer->number, envelope.tag));
}

// The length from which on a message cannot go the usual way to this receive. 0: none can, as it takes several, or ends
// without an entry in the queue.
[[gnu::always_inline]] inline std::uint32_t at_once_below(const WorkRequest& work) noexcept {
  const bool usual =
      work.segment_count == 1 && (work.flags & (kWantCompletion | kMultiReceive | kDeferred)) == kWantCompletion;
  return usual ? static_cast<std::uint32_t>(std::min(work.length, kSmallCopy)) + 1 : 0;
}

void deliver_bytes(Exchange& exchange, ReceiveRequest& receive, const Envelope& envelope, const std::byte* bytes) {
  const Landing landing = land(exchange, receive, envelope.length);
  const std::size_t received = std::min<std::size_t>(envelope.length, landing.room);
  if (receive.segment_count == 1) [[likely]] {
    if (received != 0)
      std::memcpy(static_cast<std::byte*>(receive.segments[0].iov_base) + landing.offset, bytes, received);
  } else {
    scatter(receive.segments, receive.segment_count, landing.offset, bytes, received);
  }
  if (envelope.request != 0) [[unlikely]]
    return tell_delivered(exchange, receive, envelope, landing.offset, received);
  finish_receive(exchange, receive, envelope, landing.offset, received, received < envelope.length ? kTruncated : 0);
}

[[gnu::noinline]] UnexpectedRequest* keep_unexpected(Exchange& exchange, const Envelope& envelope, std::size_t bytes) {
  Peer& peer = *envelope.peer;
  if (peer.unexpected_bytes + bytes > exchange.settings.unexpected_limit && peer.state != PeerState::kLeaving)
    return nullptr;
  UnexpectedRequest* kept = exchange.unexpected.acquire();
  if (kept == nullptr) return nullptr;
  kept->source = peer.number;
  kept->tag = envelope.tag;
  kept->envelope = envelope;
  // Its own footprint counts too: a flood of empty messages is a flood.
  peer.unexpected_bytes += bytes + sizeof(UnexpectedRequest);
  ++peer.unexpected_messages;
  exchange.matcher(envelope.tagged).add_unexpected(kept);
  return kept;
}

[[gnu::noinline]] Verdict keep_eager(Exchange& exchange, const Envelope& envelope, const std::byte* bytes) {
  std::unique_ptr<std::byte[]> copy;
  if (envelope.length != 0) {
    copy.reset(new (std::nothrow) std::byte[envelope.length]);
    if (!copy) return Verdict::kNotNow;
    std::memcpy(copy.get(), bytes, envelope.length);
  }
  UnexpectedRequest* kept = keep_unexpected(exchange, envelope, envelope.length);
  if (kept == nullptr) return Verdict::kNotNow;
  kept->bytes = std::move(copy);
  return Verdict::kTaken;
}

// The segments of an announcement, checked; false: malformed.
bool read_segments(const IncomingMessage& message, const AnnounceBody& body, RemoteSegments* segments) noexcept {
  if (body.length > kMaxMessageSize || body.segment_count == 0 || body.segment_count > kMaxSegments) return false;
  segments->count = body.segment_count;
  if ((message.flags & kInArea) == 0) {
    segments->list[0] = {body.address, body.length};
    return body.segment_count == 1;
  }
  if (message.length != body.segment_count * sizeof(RemoteSegment)) return false;
  std::memcpy(segments->list, message.payload, message.length);
  std::uint64_t total = 0;
  for (std::uint32_t i = 0; i < segments->count; ++i) {
    if (segments->list[i].length > kMaxMessageSize) return false;
    total += segments->list[i].length;
  }
  return total == body.length;
}

// Whether the receive takes further messages after one of `length` bytes.
bool stays_open(const Exchange& exchange, const ReceiveRequest& receive, std::uint64_t length) noexcept {
  if ((receive.flags & kMultiReceive) == 0) [[likely]]
    return false;
  const std::size_t room = receive.length - receive.used;
  // At least a byte: a buffer that no message fits any more is the application's, even if it set the minimum to 0.
  return length < room && room - length >= exchange.min_multi_receive;
}

// Gives a new receive what has already arrived for it. True: it takes no more (and may be gone).
[[gnu::noinline]] bool fill_from_unexpected(Exchange& exchange, ReceiveRequest& receive) {
  TagMatcher& matcher = exchange.matcher(receive.tagged);
  while (UnexpectedMessage* found = matcher.find_unexpected(receive.source, receive.tag, receive.ignore)) {
    auto* message = static_cast<UnexpectedRequest*>(found);
    matcher.remove(message);
    const bool more = stays_open(exchange, receive, message->envelope.length);
    deliver_unexpected(exchange, receive, *message);
    if (!more) return true;
  }
  return false;
}

// Any message, and any receive.
[[gnu::noinline]] Verdict receive_eager(Exchange& exchange, Peer& peer, const IncomingMessage& message) {
  if (must_wait(exchange, peer)) return Verdict::kNotNow;
  Envelope envelope{.peer = &peer,
                    .tag = message.tag,
                    .data = message.data,
                    .length = message.length,
                    .request = 0,
                    .flags = message.flags,
                    .tagged = message.operation == Operation::kTaggedEager};
  if (message.flags & kWantFinish) [[unlikely]] {
    if ((message.flags & kInArea) == 0) return Verdict::kMalformed;
    envelope.request = message.body_as<AreaBody>().request;
  }
  ReceiveRequest* receive = find_receive(exchange, envelope);
  if (receive == nullptr) return keep_eager(exchange, envelope, message.payload);
  deliver_bytes(exchange, *receive, envelope, message.payload);
  return Verdict::kTaken;
}

// All but the buffer, and where it may come from.
[[gnu::always_inline]] inline void describe(ReceiveRequest& receive, const WorkRequest& work) noexcept {
  receive.tag = work.tag;
  receive.ignore = work.ignore;
  receive.flags = work.flags;
  receive.segment_count = work.segment_count;
  receive.length = work.length;
  receive.context = work.context;
  receive.used = 0;
  receive.pending = 0;
  receive.tagged = work.type == WorkType::kTaggedReceive;
  receive.posted = false;
  receive.open = true;
  receive.at_once_below = at_once_below(work);
}

// The usual way: few bytes for which no Finish is wanted, so that they cause nothing that has to wait for room in the
// peer's FIFO, meet a receive with room for all of them, and a queue with room for an entry, which nobody shares.
// Nothing is called, so there is no frame to be set up.
template <bool kTagged>
[[gnu::always_inline]] inline Verdict receive_at_once(Exchange& exchange, Peer& peer, const IncomingMessage& message) {
  CompletionQueue* queue = exchange.receive_queue;
  if (queue == nullptr || !queue->takes_at_once() || exchange.receive_counter != nullptr) [[unlikely]]
    return receive_eager(exchange, peer, message);
  if (exchange.settings.report_unknown_source && peer.address == kAnyAddress) [[unlikely]]
    return receive_eager(exchange, peer, message);
  TagMatcher& matcher = kTagged ? exchange.tagged : exchange.untagged;
  auto* receive = static_cast<ReceiveRequest*>(matcher.find_early(peer.number, message.tag));
  if (receive == nullptr || message.length >= receive->at_once_below || (message.flags & kWantFinish) != 0) [[unlikely]]
    return receive_eager(exchange, peer, message);
  small_copy(receive->segments[0].iov_base, message.payload, message.length);
  matcher.remove_early(receive);
  queue->push_at_once(received_entry(receive->context, kTagged,
                                     {message.tag, message.data, message.flags, peer.reported}, message.length));
  exchange.receives.release(receive);
  return Verdict::kTaken;
}

}  // namespace

Verdict on_eager(Exchange& exchange, Peer& peer, const IncomingMessage& message) {
  return receive_at_once<false>(exchange, peer, message);
}

Verdict on_tagged_eager(Exchange& exchange, Peer& peer, const IncomingMessage& message) {
  return receive_at_once<true>(exchange, peer, message);
}

Verdict on_announce(Exchange& exchange, Peer& peer, const IncomingMessage& message) {
  if (must_wait(exchange, peer)) return Verdict::kNotNow;
  const auto body = message.body_as<AnnounceBody>();
  RemoteSegments segments;
  if (!read_segments(message, body, &segments)) return Verdict::kMalformed;
  const Envelope envelope{.peer = &peer,
                          .tag = message.tag,
                          .data = message.data,
                          .length = body.length,
                          .request = body.request,
                          .flags = message.flags,
                          .tagged = message.operation == Operation::kTaggedAnnounce};
  if (ReceiveRequest* receive = find_receive(exchange, envelope)) {
    begin_transfer(exchange, *receive, envelope, segments);
    return Verdict::kTaken;
  }
  UnexpectedRequest* kept = keep_unexpected(exchange, envelope, 0);
  if (kept == nullptr) return Verdict::kNotNow;
  kept->announced = true;
  kept->segments = segments;
  return Verdict::kTaken;
}

Landing land(Exchange& exchange, ReceiveRequest& receive, std::uint64_t length) {
  const Landing landing{receive.used, receive.length - receive.used};
  ++receive.pending;
  receive.open = stays_open(exchange, receive, length);
  if (receive.open) [[unlikely]] {
    receive.used += length;
  } else if (receive.posted) {
    exchange.matcher(receive.tagged).remove(&receive);
    receive.posted = false;
  }
  return landing;
}

void finish_receive(Exchange& exchange, ReceiveRequest& receive, const Envelope& envelope, std::size_t offset,
                    std::size_t received, int error) {
  --receive.pending;
  // A multi-receive buffer that takes more, or that other messages are still moving into, is not the application's yet.
  const bool releases = !receive.open && receive.pending == 0;
  complete_receive(exchange, receive, envelope,
                   {.offset = offset, .received = received, .error = error, .releases = releases});
  if (releases) exchange.receives.release(&receive);
}

ReceiveRequest* make_receive(Exchange& exchange, const WorkRequest& work) {
  ReceiveRequest* receive = exchange.receives.acquire();
  if (receive == nullptr) return nullptr;
  describe(*receive, work);
  std::copy_n(work.segments, work.segment_count, receive->segments);
  return receive;
}

bool post_at_once(Exchange& exchange, const WorkRequest& work) noexcept {
  if (work.segment_count != 1 || (work.flags & (kPeek | kClaim | kDiscard)) != 0) return false;
  TagMatcher& matcher = exchange.matcher(work.type == WorkType::kTaggedReceive);
  if (matcher.unexpected() != 0) return false;
  std::uint32_t source = kAnySource;
  if (exchange.settings.directed_receive && work.address != kAnyAddress) {
    const Peer* only = exchange.peers.met_at(work.address);
    if (only == nullptr || only->state == PeerState::kIdle) return false;
    source = only->number;
  }
  ReceiveRequest* receive = exchange.receives.acquire_again();
  if (receive == nullptr) return false;
  describe(*receive, work);
  receive->segments[0] = {work.segments[0].iov_base, work.length};  // all of it; member by member: see configure.ac
  receive->source = source;
  receive->posted = true;
  matcher.post(receive);
  return true;
}

int post_receive(Exchange& exchange, const WorkRequest& work) {
  Peer* source;
  if (!exchange.find_source(work, &source)) return -EINVAL;
  ReceiveRequest* receive = make_receive(exchange, work);
  if (receive == nullptr) return -EAGAIN;
  if (source != nullptr) receive->source = source->number;

  TagMatcher& matcher = exchange.matcher(receive->tagged);
  if (matcher.unexpected() != 0 && fill_from_unexpected(exchange, *receive)) return 0;
  receive->posted = true;
  matcher.post(receive);
  if (source != nullptr && source->state == PeerState::kIdle) [[unlikely]]
    await_peer(exchange, *source);
  return 0;
}

void deliver_unexpected(Exchange& exchange, ReceiveRequest& receive, UnexpectedRequest& message) {
  if (message.error != 0) {
    const Landing landing = land(exchange, receive, message.envelope.length);
    finish_receive(exchange, receive, message.envelope, landing.offset, 0, message.error);
  } else if (message.announced) {
    begin_transfer(exchange, receive, message.envelope, message.segments);
  } else {
    deliver_bytes(exchange, receive, message.envelope, message.bytes.get());
  }
  drop_unexpected(exchange, message);
}

void drop_unexpected(Exchange& exchange, UnexpectedRequest& message) {
  Peer& peer = *message.envelope.peer;
  peer.unexpected_bytes -= (message.announced ? 0 : message.envelope.length) + sizeof(UnexpectedRequest);
  exchange.unexpected.release(&message);
  if (--peer.unexpected_messages == 0) retire_if_unused(exchange, peer);  // the last trace of a stranger that left
}

int cancel_receive(Exchange& exchange, const void* context) {
  ReceiveRequest* found = nullptr;
  const auto look = [&](PostedReceive* posted) {
    auto* receive = static_cast<ReceiveRequest*>(posted);
    if (receive->context == context) found = receive;
    return found == nullptr;
  };
  exchange.tagged.for_each_posted(look);
  if (found == nullptr) exchange.untagged.for_each_posted(look);
  if (found == nullptr) return -ENOENT;
  end_posted(exchange, *found, ECANCELED);
  return 0;
}

void end_posted(Exchange& exchange, ReceiveRequest& receive, int error) {
  exchange.matcher(receive.tagged).remove(&receive);
  receive.posted = false;
  receive.open = false;
  fail_receive(exchange, receive, error);
  // Messages still moving into a multi-receive buffer release it when they end.
  if (receive.pending == 0) exchange.receives.release(&receive);
}

}  // namespace anchor
