// SPDX-License-Identifier: BSD-2-Clause
//
// Stopwatch: the time of each lap, turned into percentiles afterwards. Laps may come in several stretches, what
// lies between stretches does not count. Marking allocates nothing while has_room(). One thread.
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
  explicit Stopwatch(std::size_t laps) : room_(laps) { laps_.reserve(laps); }

  void start() { last_ = ticks(); }
  void mark() {
    const std::uint64_t now = ticks();
    laps_.push_back(now - last_);
    last_ = now;
  }
  std::uint64_t last_mark() const { return last_; }
  std::size_t laps() const { return laps_.size(); }
  bool has_room() const { return laps_.size() < room_; }

  // Nanoseconds of the quickest lap: what a lap takes on a machine without neighbours. Zero without laps.
  double quickest_nanoseconds() const;

  // Nanoseconds of one lap, divided by `parts` (2 makes half round trips of round trips). Zeros without laps.
  Percentiles nanoseconds(double parts = 1) const;

 private:
  std::uint64_t last_ = 0;
  std::size_t room_;
  std::vector<std::uint64_t> laps_;
};

// Of round trips.
Percentiles half_of(const Percentiles& whole);

// "units of work per second" of a lap that does `work` units: p90 and p99 are the slow laps.
Percentiles per_second(const Percentiles& nanoseconds, double work);

}  // namespace anchor::bench
