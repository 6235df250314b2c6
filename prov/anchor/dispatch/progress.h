// SPDX-License-Identifier: BSD-2-Clause
// One pass over everything of an endpoint that can move.
#pragma once

#include "proto/exchange.h"

namespace anchor {

// Requires: the endpoint is enabled, its lock is held. Bounded work. Takes the locks of completion queues; when the
// address vector changed or a new peer is met, that one's; and while peers come or go, those of the process's
// descriptors (os/process_fd.h) and of its table of mappings (os/guarded_mapping.h). Returns whether anything came
// in; what is under way and waits for its peer does not count.
bool progress(Exchange& exchange);

}  // namespace anchor
