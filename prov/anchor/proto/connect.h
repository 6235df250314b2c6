// SPDX-License-Identifier: BSD-2-Clause
// First contact. The side that needs a connection grants the peer a block of its own region and says so in the peer's
// contact table; the peer grants one in return through the block it was given (kGrant). Both sides may start at once:
// each learns the other's block from whichever comes first, and ignores the second.
//
//   kIdle --seek_peer--> kSeeking --region found, contact posted--> kAsked --kGrant or the peer's own contact-->
//   kConnected
#pragma once

#include <cstdint>

#include "proto/exchange.h"
#include "proto/handlers.h"

namespace anchor {

// The side that begins (connect_seek.cpp).
//
// Starts looking for an idle peer. Requires: reserve_peer_lists(). What waits for it is sent once it is connected, or
// fails after connect_timeout.
void seek_peer(Exchange& exchange, Peer& peer);
// A receive was posted that only this idle peer can serve: connects to it as soon as it is there, so that its death is
// noticed. No peer within connect_timeout is no error: it may come and send later.
void await_peer(Exchange& exchange, Peer& peer);
// Goes on looking for a peer that is kSeeking.
void try_connect(Exchange& exchange, Peer& peer);
// The incarnation that was found has ended, or another one answered: forget it and all that was made for it and, if
// something waits, look again.
void restart_search(Exchange& exchange, Peer& peer);
// Ends the search: what waits fails with `error` (positive errno value).
void give_up(Exchange& exchange, Peer& peer, int error);
Verdict on_grant(Exchange& exchange, Peer& peer, const IncomingMessage& message);
Verdict on_refuse(Exchange& exchange, Peer& peer, const IncomingMessage& message);

// The side that is asked (connect_answer.cpp): answers the request in entry `index` of our contact table. False: later
// (a former incarnation is still being seen off, or no file descriptor is left to look the requester up).
bool answer_contact(Exchange& exchange, std::uint32_t index);

}  // namespace anchor
