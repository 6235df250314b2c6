// SPDX-License-Identifier: BSD-2-Clause
// Going to sleep on an endpoint: everything that might still be to do is looked at after its peers were told to wake us
// (fifo/sleep_line.h).
#pragma once

#include "proto/exchange.h"

namespace anchor {

// S1 to S5. Requires: the endpoint is enabled and has its wait object, its lock is held. True: nothing is there, and
// whatever comes makes the wait object readable; `alarm` is lowered to the moment when upkeep is due whether or not
// something comes, or to the end of a nap if that is later. False: there is, or may be, something to do; make progress
// and try again.
bool fall_asleep(Exchange& exchange, TimePoint* alarm);

// Woken for whatever reason: finds those that rang in one go, where passes look at the board line by line.
void wake_up(Exchange& exchange);

}  // namespace anchor
