// SPDX-License-Identifier: BSD-2-Clause
//
// Stopwatch: one time stamp per repetition, turned into percentiles afterwards. Marking allocates nothing
// as long as no more repetitions follow than were announced. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "clock.h"

namespace anchor::bench {

struct Percentiles {
  double p50 = 0;
  double p90 = 0;
  double p99 = 0;
  double mean = 0;
};

class Stopwatch {
 public:
  explicit Stopwatch(std::size_t repetitions) : room_(repetitions + 1) { stamps_.reserve(room_); }

  void start() {
    stamps_.clear();
    stamps_.push_back(ticks());
  }
  void mark() { stamps_.push_back(ticks()); }
  std::uint64_t last_mark() const { return stamps_.back(); }
  bool has_room() const { return stamps_.size() < room_; }

  // Nanoseconds of one repetition, divided by `parts` (2 makes half round trips of round trips).
  // Requires at least one mark.
  Percentiles nanoseconds(double parts = 1) const;

 private:
  std::size_t room_;
  std::vector<std::uint64_t> stamps_;
};

// "units of work per second" of a repetition that does `work` units: p90 and p99 are the slow repetitions.
Percentiles per_second(const Percentiles& nanoseconds, double work);

}  // namespace anchor::bench
