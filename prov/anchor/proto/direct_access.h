// SPDX-License-Identifier: BSD-2-Clause
// Copying from and to a peer's memory in its own address space: whether that is possible is found out once a
// connection, when it is first wanted.
#pragma once

#include "proto/exchange.h"

namespace anchor {

// Sets peer.direct where it is possible; only the first call does anything. Requires: the peer's region is known, or
// the peer is ourselves.
void open_direct(Exchange& exchange, Peer& peer) noexcept;

}  // namespace anchor
