// SPDX-License-Identifier: BSD-2-Clause
// What RMA and atomic operations share: waiting for their turn, and being ended by the peer.
//
// Order: an operation on a peer's memory starts after all earlier ones to that peer have (Peer::waiting), and
//  - one that moves its bytes at once, directly, only when none of the earlier is unanswered;
//  - one that may be withdrawn (rma_take_over.cpp) only when all that are unanswered may be;
//  - one that changes the peer's memory through the FIFO only when no earlier read is unanswered.
// With the FIFO's own order that is read and write after read and write, whatever the sizes.
#pragma once

#include "core/remote_work.h"
#include "proto/exchange.h"
#include "proto/handlers.h"

namespace anchor {

// Takes on an operation: starts it, or queues it behind the peer's others. -EAGAIN, -EINVAL as submit() has it.
int begin_remote(Exchange& exchange, Peer& peer, const RemoteWork& work);

// Starts it. `queued` is the request in peer.waiting that keeps `work` (it leaves the list), nullptr for one that comes
// straight from the application. 0: it is done or on its way. -EAGAIN: not now; nothing changed but `queued`.
// -EPROTO: the peer broke the protocol.
int start_remote(Exchange& exchange, Peer& peer, const RemoteWork& work, RemoteRequest* queued) noexcept;

// Whether everything that was started to the peer has completed: what a fenced operation waits for.
bool all_completed(Exchange& exchange, const Peer& peer) noexcept;

// A request that keeps `work` beyond the call, in no list; nullptr: as many as may be are outstanding, or no memory for
// the bytes of an injected one.
RemoteRequest* keep_remote(Exchange& exchange, Peer& peer, const RemoteWork& work) noexcept;
// The same for one whose bytes will not be needed after this call.
RemoteRequest* keep_targets(Exchange& exchange, Peer& peer, const RemoteWork& work) noexcept;
int queue_remote(Exchange& exchange, Peer& peer, const RemoteWork& work);

// The request that `id` of a message from `peer` names, and that it may end; nullptr: none.
RemoteRequest* find_unanswered(Exchange& exchange, const Peer& peer, std::uint64_t id) noexcept;
// Marks a request as being in the peer's hands, and back.
void await_answer(Peer& peer, RemoteRequest& request) noexcept;
// Completes or fails (`error`: positive errno value) one that was unanswered, and releases it.
void end_remote(Exchange& exchange, RemoteRequest& request, int error) noexcept;

Verdict on_remote_finish(Exchange& exchange, Peer& peer, const IncomingMessage& message);

}  // namespace anchor
