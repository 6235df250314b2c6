// SPDX-License-Identifier: BSD-2-Clause
#include "dispatch/progress.h"

#include "proto/outbox.h"
#include "proto/polling.h"
#include "proto/rendezvous.h"
#include "proto/rma.h"
#include "proto/upkeep.h"

namespace anchor {

bool progress(Exchange& exchange) {
  if (!exchange.incoming.empty()) [[unlikely]]
    note_return(exchange);
  if (exchange.peers.catch_up()) [[unlikely]]
    forget_strangers(exchange);
  const bool received = poll_peers(exchange) || !exchange.incoming.empty();
  if (exchange.contact_rang) [[unlikely]]
    answer_contacts(exchange);
  if (!exchange.backlogged.empty()) [[unlikely]]
    flush_backlog(exchange);
  if (!exchange.expected.empty()) take_over_stalled(exchange);
  if (!exchange.streaming.empty()) push_streams(exchange);
  if (!exchange.serving.empty()) [[unlikely]]
    push_served_reads(exchange);
  // After all that takes long: what it measures is how long we are elsewhere.
  if (!exchange.incoming.empty()) pull_stalled(exchange);
  if (++exchange.passes % kPassesPerUpkeep == 0) [[unlikely]]
    upkeep(exchange);
  return received;
}

}  // namespace anchor
