// SPDX-License-Identifier: BSD-2-Clause
// Names of endpoints that were given none: a process number and 64 random bits, so that nobody ever has one again.
#pragma once

#include "os/endpoint_name.h"

namespace anchor {

EndpointName unique_name() noexcept;
bool is_unique(const EndpointName& name) noexcept;

}  // namespace anchor
