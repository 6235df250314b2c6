// SPDX-License-Identifier: BSD-2-Clause
// Atomic operations on a peer's memory: carried out by the peer's own progress, one after the other as they come
// through the FIFO, so that all of them exclude each other (core/atomic_operation.h). The peer checks key, range and
// rights, and always answers: there is no other way to hear of an error.
#pragma once

#include "core/atomic_work.h"
#include "proto/exchange.h"
#include "proto/handlers.h"

namespace anchor {

// Initiator: takes on an operation. -EAGAIN: no room now. A connected peer's operations never wait here, but for a
// fenced one.
int begin_atomic(Exchange& exchange, Peer& peer, const AtomicWork& work);
// Initiator: sends one that stands in peer.waiting, which it leaves. As start_remote() (remote.h) has it.
int start_atomic(Exchange& exchange, Peer& peer, RemoteRequest& request) noexcept;
Verdict on_atomic_reply(Exchange& exchange, Peer& peer, const IncomingMessage& message);

// Target: carries it out.
Verdict on_atomic(Exchange& exchange, Peer& peer, const IncomingMessage& message);
// Target: sends answers that found the FIFO full. 0: none waits any more.
int flush_replies(Peer& peer) noexcept;

}  // namespace anchor
