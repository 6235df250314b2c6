// SPDX-License-Identifier: BSD-2-Clause
// How long a blocking call waits, and how much of that it polls: an answer that comes at once is there sooner than a
// sleeper would be awake, one that takes its time shall not cost a processor.
//
// Belongs to one call of one thread.
#pragma once

#include <chrono>

#include "abi/parameters.h"
#include "os/clock.h"

namespace anchor {

class Patience {
 public:
  // Milliseconds; negative waits without end, zero looks once. Polls for `spin` of it.
  explicit Patience(int timeout, std::chrono::microseconds spin = std::chrono::microseconds(parameters().spin)) noexcept
      : now_(Clock::now()),
        end_(timeout < 0 ? TimePoint::max() : now_ + Milliseconds(timeout)),
        end_of_spin_(now_ + spin) {}

  // Whether the next look is the last.
  bool over() noexcept {
    if (++looks_ % kLooksPerClock != 0 && now_ < end_) return false;
    now_ = Clock::now();
    return now_ >= end_;
  }
  // Whether it is time to sleep rather than to look again.
  bool sleeps() const noexcept { return now_ >= end_of_spin_; }
  void woke() noexcept { now_ = Clock::now(); }
  TimePoint end() const noexcept { return end_; }

 private:
  // Reading the clock costs as much as a look.
  static constexpr unsigned kLooksPerClock = 8;

  TimePoint now_;
  const TimePoint end_;
  const TimePoint end_of_spin_;
  unsigned looks_ = 0;
};

}  // namespace anchor
