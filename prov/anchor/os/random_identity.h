// SPDX-License-Identifier: BSD-2-Clause
// What tells one incarnation of an endpoint from all others. Thread-safe.
#pragma once

#include <cstdint>

namespace anchor {

// A random number, never 0, that nobody else has or can guess.
std::uint64_t random_identity() noexcept;

}  // namespace anchor
