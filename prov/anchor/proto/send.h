// SPDX-License-Identifier: BSD-2-Clause
// Starting a send: its bytes go along in the FIFO if they fit (eager), else, or if it is of a stream (send_stream.h),
// the message is announced and stays where it is until the receiver comes for it (rendezvous).
#pragma once

#include "fifo/message.h"
#include "proto/exchange.h"

namespace anchor {

constexpr Operation operation_of(const WorkRequest& work, Operation tagged, Operation untagged) noexcept {
  return work.type == WorkType::kTaggedSend ? tagged : untagged;
}

constexpr std::uint8_t message_flags(const WorkRequest& work) noexcept {
  return (work.flags & kRemoteData) != 0 ? kHasRemoteData : 0;
}

// Requires: work.length <= kInlineSize, in one segment; no flag that asks for an answer. As Channel::send_small().
inline int send_small(Channel& channel, const WorkRequest& work) noexcept {
  const Operation operation = operation_of(work, Operation::kTaggedEager, Operation::kEager);
  return channel.send_small(small_kind(operation, message_flags(work), work.length), work.tag, work.data,
                            work.segments[0].iov_base);
}

// Requires: the peer is connected. `queued` is the request in peer.waiting that keeps `work` (it leaves the list),
// nullptr for one that comes straight from the application. 0: it is in the FIFO. -EAGAIN: no room; nothing changed.
// -EPROTO: the peer broke the protocol.
int start_send(Exchange& exchange, Peer& peer, const WorkRequest& work, SendRequest* queued) noexcept;

}  // namespace anchor
