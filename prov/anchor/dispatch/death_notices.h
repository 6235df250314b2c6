// SPDX-License-Identifier: BSD-2-Clause
// Who sleeps is given notice of its peers' deaths by the kernel, where that is possible: a peer promises it by having a
// wait object. The lives of the others, the *untold*, are looked at now and then.
//
// A notice may come a moment before the dead one's lock is free: whoever seems to live is looked at again soon, then
// after twice as long each time, up to a liveness interval. It is the only notice that comes of this peer: one that
// lives on after it is untold. Used under the endpoint's lock.
#pragma once

#include "proto/exchange.h"

namespace anchor {

// Of the deaths of peers that were met since the last time.
void ask_for_notices(Exchange& exchange);
// Sees to those that have come.
void heed_notices(Exchange& exchange);
// At an alarm: what is due.
void look_at_untold(Exchange& exchange, TimePoint now);

}  // namespace anchor
