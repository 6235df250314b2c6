// SPDX-License-Identifier: BSD-2-Clause
// The end of a connection: the peer died, said goodbye, or broke the protocol. Everything outstanding to it or awaited
// from it ends with an error; whatever it had already put into our FIFO is still received; other peers notice nothing.
#pragma once

#include "proto/exchange.h"
#include "proto/handlers.h"

namespace anchor {

// Marks the peer as leaving; nothing else changes before finish_loss. `error`: positive errno value for its requests.
void begin_loss(Exchange& exchange, Peer& peer, int error) noexcept;

// Ends all its requests and gives its resources back. Requires: kLeaving, and its FIFO has been read to the end.
void finish_loss(Exchange& exchange, Peer& peer);

Verdict on_goodbye(Exchange& exchange, Peer& peer, const IncomingMessage& message);

// Ends the receives posted for this one source with ECONNRESET unless somebody living has its name again.
void fail_if_gone(Exchange& exchange, Peer& peer);

// Fails the sends that never left, or the receives that only this peer could serve. `error`: positive errno value.
void fail_waiting(Exchange& exchange, Peer& peer, int error);
void fail_directed_receives(Exchange& exchange, Peer& peer, int error);

// Gives back channel, block and mappings; the peer is idle afterwards. A block that it may still write to is set aside.
void disconnect(Exchange& exchange, Peer& peer) noexcept;
// Takes blocks set aside into use again whose writers have died since.
void release_abandoned(Exchange& exchange);
// Whether the peer has broken so many connections that it gets no more while it lives: each costs a block until then.
bool is_banned(const Exchange& exchange, const Peer& peer) noexcept;

// Forgets a peer that no address, message or receive refers to.
void retire_if_unused(Exchange& exchange, Peer& peer);

}  // namespace anchor
