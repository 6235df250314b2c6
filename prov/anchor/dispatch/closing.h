// SPDX-License-Identifier: BSD-2-Clause
// Closing an endpoint without losing what it has already reported as done.
#pragma once

#include "proto/exchange.h"

namespace anchor {

// Lets injected messages and owed answers leave (bounded in time), says goodbye and withdraws the anchor record.
// Requires: the endpoint is enabled, its lock is held.
void close_exchange(Exchange& exchange) noexcept;

}  // namespace anchor
