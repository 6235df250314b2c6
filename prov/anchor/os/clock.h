// SPDX-License-Identifier: BSD-2-Clause
// Monotonic time for timeouts. Nothing on the fast path reads a clock: the progress loop asks once every few hundred
// passes.
#pragma once

#include <chrono>

namespace anchor {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Milliseconds = std::chrono::milliseconds;

}  // namespace anchor
