// SPDX-License-Identifier: BSD-2-Clause
// Long transfers that both ends copy: the part of the end that is asked to (share_offer.h).
//
// Help and nothing else: whatever keeps us from copying a piece, we say how many we have copied, and the other end sees
// to the rest.
#pragma once

#include "proto/exchange.h"
#include "proto/handlers.h"

namespace anchor {

// Bytes. A pass does one piece for each peer, and others wait meanwhile.
inline constexpr std::uint32_t kLargestTaken = 1u << 20;
// Whether the peer may offer a share with that number now: it is on this host, and we are done with its last.
bool may_be_offered(const Peer& peer, std::uint64_t number) noexcept;
// The peer offers a share of what `offer` says in its first part; the numbers are the peer's. False: they make no
// sense.
bool take_share(Exchange& exchange, Peer& peer, const TakenShare& offer, std::uint64_t number) noexcept;
Verdict on_remote_share(Exchange& exchange, Peer& peer, const IncomingMessage& message);

// A piece for each peer that has offered some. Once a pass.
void assist_initiators(Exchange& exchange) noexcept;
// Without a report: the connection ends.
void drop_share(Exchange& exchange, Peer& peer) noexcept;

}  // namespace anchor
