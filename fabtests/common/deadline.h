// SPDX-License-Identifier: BSD-2-Clause
// Points in time by which something must have happened. No test sleeps for a fixed time: it polls until a deadline.
#pragma once

#include <chrono>

namespace anchor::fabtests {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

// FABTESTS_TIME_SCALE: a factor on all limits, for sanitizers, emulators and crowded machines. Default 1.
double time_scale() noexcept;

class Deadline {
 public:
  explicit Deadline(double seconds) noexcept : started_(Clock::now()), limit_(seconds * time_scale()) {}

  bool expired() const noexcept { return elapsed() > limit_; }
  double elapsed() const noexcept { return Seconds(Clock::now() - started_).count(); }

 private:
  Clock::time_point started_;
  double limit_;
};

}  // namespace anchor::fabtests
