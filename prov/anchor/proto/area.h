// SPDX-License-Identifier: BSD-2-Clause
// A larger payload area for peers that send much. The block that each peer is granted is small, so that thousands may
// be connected; the few that move long messages are given more room by the receiving side, once, for as long as they
// are connected. With it pieces are large enough for the cost of handing each over not to count.
#pragma once

#include "proto/exchange.h"
#include "proto/handlers.h"

namespace anchor {

// Offers one if the peer has sent enough for it and there is one left. Called now and then.
void consider_larger_area(Exchange& exchange, Peer& peer);

Verdict on_offer_area(Exchange& exchange, Peer& peer, const IncomingMessage& message);
Verdict on_take_area(Exchange& exchange, Peer& peer, const IncomingMessage& message);

}  // namespace anchor
