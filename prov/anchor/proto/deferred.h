// SPDX-License-Identifier: BSD-2-Clause
// The end of requests with kDeferred. An entry in the queue is written only if it was asked for, or for an error; the
// endpoint's counters are left alone.
#pragma once

#include "proto/completion.h"
#include "proto/exchange.h"

namespace anchor {

// A send or remote operation; `error`: 0 or a positive errno value.
void end_deferred(Exchange& exchange, const WorkRequest& work, int error) noexcept;
void end_deferred_receive(Exchange& exchange, const ReceiveRequest& receive, const Envelope& envelope,
                          const Delivery& delivery) noexcept;
void fail_deferred_receive(Exchange& exchange, const ReceiveRequest& receive, int error) noexcept;

}  // namespace anchor
