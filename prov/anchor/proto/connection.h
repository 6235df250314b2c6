// SPDX-License-Identifier: BSD-2-Clause
// What a connection is made of, whichever side begins: the peer's region, a block of ours that the peer writes to, and
// a block of its own that we write to.
#pragma once

#include <cstdint>
#include <memory>

#include "proto/exchange.h"

namespace anchor {

// Room for every peer in each of the lists that peers stand in, so that nothing that enters one can fail.
void reserve_peer_lists(Exchange& exchange);

// Finds the peer's region and retrieves its anchor record: first page, check, then the whole header. -ENOENT: it is not
// there.
int retrieve_record(Exchange& exchange, Peer& peer);
// Lets go of it and of all that was learnt from it.
void forget_region(Peer& peer) noexcept;

// Its region is dead: says whether it is gone, or somebody may have its name next. Requires: a region that was
// retrieved.
void note_end(Peer& peer) noexcept;

// What the peer looks at when we write to it; `index`: of its notification board.
Bell bell_at(const Peer& peer, std::uint32_t index) noexcept;
// Sends to the peer, once connected, and receives through `block`.
std::unique_ptr<Channel> channel_to(const Peer& peer, std::byte* block, const BlockGeometry& geometry);

// A block in our region for the peer, whose own is known unless it is ourselves, and a channel that receives through
// it. Keeps what is there already.
int grant_block(Exchange& exchange, Peer& peer);
// Maps the block that the peer granted us. -EPROTO: its description makes no sense.
int open_transmit(Peer& peer, Channel& channel, const BlockDescriptor& block);

// Both blocks are there: what waits may go.
void become_connected(Exchange& exchange, Peer& peer);

}  // namespace anchor
