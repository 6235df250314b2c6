// SPDX-License-Identifier: BSD-2-Clause
#include "dispatch/progress.h"

#include "proto/outbox.h"
#include "proto/polling.h"
#include "proto/rendezvous.h"
#include "proto/rma.h"
#include "proto/share_assist.h"
#include "proto/upkeep.h"

namespace anchor {

namespace {

// Whether there is more to a pass than looking at FIFOs.
bool anything_waits(const Exchange& exchange) noexcept {
  return exchange.contact_rang || !exchange.backlogged.empty() || !exchange.incoming.empty() ||
         !exchange.expected.empty() || !exchange.assisted.empty() || !exchange.streaming.empty() ||
         !exchange.serving.empty();
}

// Apart, so that a pass that finds nothing is short: half of one lies between a message's arrival and its being seen.
// Returns whether anything came in.
[[gnu::noinline]] bool move_what_waits(Exchange& exchange) {
  if (exchange.contact_rang) answer_contacts(exchange);
  if (!exchange.backlogged.empty()) flush_backlog(exchange);
  if (!exchange.expected.empty()) take_over_stalled(exchange);
  if (!exchange.assisted.empty()) assist_initiators(exchange);
  if (!exchange.streaming.empty()) push_streams(exchange);
  if (!exchange.serving.empty()) push_served_reads(exchange);
  // After all that takes long: what it measures is how long we are elsewhere.
  return !exchange.incoming.empty() && pull_stalled(exchange);
}

// Likewise; without them they would be inlined at link time.
[[gnu::noinline]] void now_and_then(Exchange& exchange) { upkeep(exchange); }
[[gnu::noinline]] void heed_addresses(Exchange& exchange) { forget_strangers(exchange); }

}  // namespace

bool progress(Exchange& exchange) {
  if (!exchange.incoming.empty()) [[unlikely]]
    note_return(exchange);
  if (exchange.peers.catch_up()) [[unlikely]]
    heed_addresses(exchange);
  bool received = poll_peers(exchange);
  if (anything_waits(exchange)) [[unlikely]]
    received |= move_what_waits(exchange);
  ++exchange.passes;
  if (--exchange.until_upkeep == 0) [[unlikely]]
    now_and_then(exchange);
  return received;
}

}  // namespace anchor
