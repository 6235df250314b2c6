// SPDX-License-Identifier: BSD-2-Clause
// One pass over everything of an endpoint that can move.
#pragma once

#include "proto/exchange.h"

namespace anchor {

// Requires: the endpoint is enabled, its lock is held. Bounded work; takes no lock but those of completion queues.
// Returns whether anything came in.
bool progress(Exchange& exchange);

}  // namespace anchor
