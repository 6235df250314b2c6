// SPDX-License-Identifier: BSD-2-Clause
#include "proto/send.h"

#include <cerrno>

#include "proto/completion.h"
#include "proto/outbox.h"
#include "proto/remote.h"

namespace anchor {
namespace {

OutgoingMessage envelope(const WorkRequest& work, Operation tagged, Operation untagged) noexcept {
  return {.operation = operation_of(work, tagged, untagged),
          .flags = message_flags(work),
          .tag = work.tag,
          .data = work.data};
}

void attach_bytes(OutgoingMessage& message, const WorkRequest& work) noexcept {
  message.length = static_cast<std::uint32_t>(work.length);
  message.segments = work.segments;
  message.segment_count = work.segment_count;
}

[[gnu::noinline]] int send_eager(Channel& channel, const WorkRequest& work) noexcept {
  OutgoingMessage message = envelope(work, Operation::kTaggedEager, Operation::kEager);
  attach_bytes(message, work);
  if (work.length > kInlineSize) message.flags |= kInArea | kCarriesTail;
  return channel.send(message);
}

void fill_announcement(OutgoingMessage& message, const WorkRequest& work, std::uint64_t request,
                       RemoteSegment (&list)[kMaxSegments], iovec& list_bytes) noexcept {
  for (std::uint32_t i = 0; i < work.segment_count; ++i)
    list[i] = {reinterpret_cast<std::uint64_t>(work.segments[i].iov_base), work.segments[i].iov_len};
  message.set_body(AnnounceBody{.offset = 0,
                                .segment_count = work.segment_count,
                                .request = request,
                                .length = work.length,
                                .address = list[0].address});
  if (work.segment_count == 1) return;
  list_bytes = {list, work.segment_count * sizeof(RemoteSegment)};
  message.flags |= kInArea;
  message.length = static_cast<std::uint32_t>(list_bytes.iov_len);
  message.segments = &list_bytes;
  message.segment_count = 1;
}

// Sends that end with the receiver's kFinish: announced ones, and eager ones whose delivery is to be confirmed (as that
// of a fenced one is).
[[gnu::noinline]] int start_tracked(Exchange& exchange, Peer& peer, const WorkRequest& work, SendRequest* queued,
                                    bool announced) noexcept {
  if ((work.flags & kFence) && !all_completed(exchange, peer)) return -EAGAIN;
  SendRequest* request = queued != nullptr ? queued : keep_send(exchange, peer, work);
  if (request == nullptr) return -EAGAIN;
  const std::uint64_t id = exchange.sends.id(request);

  OutgoingMessage message;
  RemoteSegment list[kMaxSegments];
  iovec list_bytes;
  if (!announced) {
    message = envelope(work, Operation::kTaggedEager, Operation::kEager);
    attach_bytes(message, work);
    message.flags |= kInArea | kCarriesTail | kWantFinish;
    message.set_body(AreaBody{0, 0, id});
  } else {
    message = envelope(work, Operation::kTaggedAnnounce, Operation::kAnnounce);
    fill_announcement(message, work, id, list, list_bytes);
  }
  const int error = peer.channel->send(message);
  if (error == 0) {
    if (queued != nullptr) peer.waiting.remove(queued);
    request->state = announced ? SendState::kAnnounced : SendState::kSent;
  } else if (queued == nullptr) {
    exchange.sends.release(request);
  }
  return error;
}

// Whether one that fits the FIFO is of a stream that may be announced. A queued one is if many wait with it.
bool joins_stream(const Exchange& exchange, Peer& peer, const WorkRequest& work, bool queued) noexcept {
  if (work.length < kShortestStreamed || (work.flags & kInject) != 0 || peer.direct == nullptr) return false;
  return queued ? peer.waiting.size() > kFewestStreamed : peer.stream.grows(exchange.passes, exchange.send_queue);
}

// So that those whose receives nobody posts leave sends for others.
bool may_announce(const Exchange& exchange, const Peer& peer) noexcept {
  return peer.stream.announces() && exchange.streamed_sends < exchange.settings.transmit_size / 4;
}

// It is in the peer's memory: inject and transmit complete.
void end_eager(Exchange& exchange, Peer& peer, const WorkRequest& work, SendRequest* queued) noexcept {
  complete_send(exchange, work);
  if (queued == nullptr) return;
  peer.waiting.remove(queued);
  exchange.sends.release(queued);
}

// One that fits the payload area.
[[gnu::noinline]] int start_medium(Exchange& exchange, Peer& peer, const WorkRequest& work,
                                   SendRequest* queued) noexcept {
  const bool streamed = joins_stream(exchange, peer, work, queued != nullptr);
  if (streamed && may_announce(exchange, peer)) {
    const int error = start_tracked(exchange, peer, work, queued, true);
    if (error == 0) {
      peer.stream.has_announced();
      ++exchange.streamed_sends;
    }
    if (error != -EAGAIN) return error;
  }
  if (const int error = send_eager(*peer.channel, work)) return error;
  if (streamed) peer.stream.has_ended(false, work.length);
  end_eager(exchange, peer, work, queued);
  if (exchange.send_queue != nullptr && (work.flags & kWantCompletion) != 0)
    peer.stream.ends_at(exchange.send_queue->position());
  return 0;
}

}  // namespace

int start_send(Exchange& exchange, Peer& peer, const WorkRequest& work, SendRequest* queued) noexcept {
  if (work.flags & (kDeliveryComplete | kFence)) [[unlikely]]
    return start_tracked(exchange, peer, work, queued, work.length > peer.channel->max_payload());
  if (work.length <= kInlineSize && work.segment_count == 1) [[likely]] {
    if (const int error = send_small(*peer.channel, work)) return error;
    end_eager(exchange, peer, work, queued);
    return 0;
  }
  if (work.length <= peer.channel->max_payload()) return start_medium(exchange, peer, work, queued);
  return start_tracked(exchange, peer, work, queued, true);
}

}  // namespace anchor
