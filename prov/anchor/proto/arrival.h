// SPDX-License-Identifier: BSD-2-Clause
// Messages meeting receives: an arrival looks for a posted receive, a receive looks for an unexpected message.
#pragma once

#include <cstddef>

#include "proto/exchange.h"
#include "proto/handlers.h"

namespace anchor {

Verdict on_eager(Exchange& exchange, Peer& peer, const IncomingMessage& message);
Verdict on_tagged_eager(Exchange& exchange, Peer& peer, const IncomingMessage& message);
Verdict on_announce(Exchange& exchange, Peer& peer, const IncomingMessage& message);

// post_receive() as it is mostly: one buffer, nothing unexpected, any source or one that is being talked to. False: it
// is not, and nothing was done.
bool post_at_once(Exchange& exchange, const WorkRequest& work) noexcept;
// Posts a receive, or fills it at once from what has arrived. Requires work.type kReceive or kTaggedReceive without
// kPeek and kClaim. -EINVAL: the source is no known address. -EAGAIN: out of memory.
int post_receive(Exchange& exchange, const WorkRequest& work);

// Cancels the earliest posted receive with this context. -ENOENT: none.
int cancel_receive(Exchange& exchange, const void* context);

// Ends a posted receive without a message; `error`: positive errno value.
void end_posted(Exchange& exchange, ReceiveRequest& receive, int error);

// Gives an unexpected message that left its queue to `receive`.
void deliver_unexpected(Exchange& exchange, ReceiveRequest& receive, UnexpectedRequest& message);
ReceiveRequest* make_receive(Exchange& exchange, const WorkRequest& work);

// Forgets an unexpected message that left its queue, and what was counted for it.
void drop_unexpected(Exchange& exchange, UnexpectedRequest& message);

// Part of a receive's buffer that is given to one message. Ends with finish_receive.
struct Landing {
  std::size_t offset;
  std::size_t room;
};
Landing land(Exchange& exchange, ReceiveRequest& receive, std::uint64_t length);
void finish_receive(Exchange& exchange, ReceiveRequest& receive, const Envelope& envelope, std::size_t offset,
                    std::size_t received, int error);

}  // namespace anchor
