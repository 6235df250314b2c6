// SPDX-License-Identifier: BSD-2-Clause
// What to do with each operation that arrives: a table indexed by the operation.
#pragma once

#include "fifo/message.h"
#include "proto/exchange.h"

namespace anchor {

enum class Verdict : std::uint8_t {
  kTaken,
  kNotNow,     // leave it in the FIFO: there is no room for what it would cause
  kMalformed,  // no honest peer sends this: give the peer up
};

using Handler = Verdict (*)(Exchange&, Peer&, const IncomingMessage&);

Verdict handle(Exchange& exchange, Peer& peer, const IncomingMessage& message);

}  // namespace anchor
