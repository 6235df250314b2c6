// SPDX-License-Identifier: BSD-2-Clause
// What peers know of our attention: which of them need not ring because we poll, that we sleep and want to be woken,
// and that we are awake again. The protocol is in fifo/sleep_line.h; dispatch/sleeping.h puts it together.
//
// Whoever sleeps and wakes in turn stays drowsy: it polls what is active, but lets peers ring meanwhile, so that going
// to sleep again has nobody to be told and needs no barrier. Used under the endpoint's lock.
#pragma once

#include "proto/exchange.h"

namespace anchor {

// The peer will hear that it has to ring from now on: for messages, or for credits.
void told_to_ring(Exchange& exchange, const Peer& peer) noexcept;

// S2 to S4: from now on everything that could give us work wakes us.
void announce_sleep(Exchange& exchange) noexcept;

// Called by upkeep(): after many passes without sleep, polled peers are told that they need not ring.
void perk_up(Exchange& exchange) noexcept;

// Something new has to be waited for, or to be done, that a thread which sleeps on our announcement knows nothing of.
void rouse(Exchange& exchange) noexcept;

}  // namespace anchor
