// SPDX-License-Identifier: BSD-2-Clause
// Sending to a peer whose FIFO may be full: control messages and sends wait here, each in order, and hold up nobody
// else.
#pragma once

#include "proto/exchange.h"
#include "proto/limits.h"

namespace anchor {

// Control messages owed to one peer at which we stop reading from it: it asks for answers that it does not collect.
// A peer can have so many sends outstanding, and as many remote operations.
inline constexpr std::size_t kMaxOwedControl = 2 * kMaxTransmitSize;

// Sends a control message without payload, now or as soon as there is room. To a peer that is not connected any more
// nothing is sent: nobody waits for it there.
void post_control(Exchange& exchange, Peer& peer, const OutgoingMessage& message);
void post_finish(Exchange& exchange, Peer& peer, std::uint64_t request, int status);
void post_remote_finish(Exchange& exchange, Peer& peer, std::uint64_t request, int status);

// Queues a send behind the peer's others; an injected message is copied. -EAGAIN: transmit_size sends are outstanding.
int queue_send(Exchange& exchange, Peer& peer, const WorkRequest& work);

// A request that keeps `work` alive beyond the call. nullptr: transmit_size sends are outstanding.
SendRequest* keep_send(Exchange& exchange, Peer& peer, const WorkRequest& work);

// Puts a kept request behind the peer's others. Requires: reserve_peer_lists().
void await_turn(Exchange& exchange, Peer& peer, SendRequest& request);
// Gives a send, or a remote operation, back to its pool.
void release_send(Exchange& exchange, SendRequest& request) noexcept;

// Puts the peer on the list of those that flush_backlog() looks at.
void mark_backlogged(Exchange& exchange, Peer& peer);
void flush_backlog(Exchange& exchange);
// Starts what waits first and needs no connection: operations on memory that may be in reach already.
void flush_remotes(Exchange& exchange, Peer& peer) noexcept;

}  // namespace anchor
