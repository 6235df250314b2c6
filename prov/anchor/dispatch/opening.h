// SPDX-License-Identifier: BSD-2-Clause
// Opening an endpoint: its region with everything that peers look for there, findable under a name.
#pragma once

#include "proto/exchange.h"

namespace anchor {

// Replaces the 0 that `name` ends in by the port. Empty: that is too long.
EndpointName with_port(const EndpointName& name, std::uint32_t port);

// Opens it under exchange.name, or, if that is not the whole name yet (`wants_free_port`), under `tried_first`, unless
// that is empty or taken, or with a free port in the place of the 0 that exchange.name ends in; exchange.name says
// which it is then. -EADDRINUSE: a living endpoint has the name, or no port is free. Otherwise what Device::create,
// LocalRegion::publish and MemoryRegistry::attach say; nothing is left of it then.
int open_exchange(Exchange& exchange, bool wants_free_port = false, const EndpointName& tried_first = {});

// Keeps peers from the memory that they may reach.
void withdraw_memory(Exchange& exchange) noexcept;

}  // namespace anchor
