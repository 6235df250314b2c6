// SPDX-License-Identifier: BSD-2-Clause
// Announced messages whose bytes go through the FIFO, because the receiver cannot reach the sender's memory: the
// receiver asks, the sender streams chunks through the payload area as room comes up, both copy at the same time.
#pragma once

#include "proto/exchange.h"

namespace anchor {

// Receiver: asks for a transfer's bytes, all of them. Requires: it stands on no list.
void request_chunks(Exchange& exchange, IncomingTransfer& transfer);

// Sender: as many chunks as there is room for, taking turns between messages.
void push_streams(Exchange& exchange);

}  // namespace anchor
