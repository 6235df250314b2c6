// SPDX-License-Identifier: BSD-2-Clause
// Monotonic time for timeouts. Nothing on the fast path reads a clock: the progress loop asks once every few hundred
// passes.
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>

namespace anchor {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Milliseconds = std::chrono::milliseconds;

// A number that changes every few milliseconds, and costs some nanoseconds: for what is found out once a tick.
inline std::uint64_t coarse_tick() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace anchor
