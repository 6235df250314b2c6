// SPDX-License-Identifier: BSD-2-Clause
//
// What the raw limits share: memory that both processes map, and repetition until the time of a point is up.
#pragma once

#include <sys/mman.h>

#include <cstddef>

#include "stopwatch.h"
#include "test.h"

namespace anchor::bench {

// A page-aligned piece of memory, zero at first, that leader and peer map. Both must make it at the same point.
class SharedMapping {
 public:
  SharedMapping(Scene& scene, std::size_t size);
  ~SharedMapping() { munmap(data_, size_); }
  SharedMapping(const SharedMapping&) = delete;
  SharedMapping& operator=(const SharedMapping&) = delete;

  void* data() const { return data_; }

 private:
  std::size_t size_;
  void* data_ = MAP_FAILED;
};

inline constexpr std::size_t kFewestRepetitions = 32;
inline constexpr std::size_t kMostRepetitions = 200000;

// Calls `work` for about the time of one point; nanoseconds of a call.
template <typename Work>
Percentiles repeat(const Options& options, Work work) {
  Stopwatch stopwatch(kMostRepetitions);
  work();
  const std::uint64_t end = ticks() + static_cast<std::uint64_t>(options.milliseconds * 1e6 / nanoseconds_per_tick());
  stopwatch.start();
  do {
    work();
    stopwatch.mark();
  } while ((stopwatch.last_mark() < end || stopwatch.laps() < kFewestRepetitions) && stopwatch.has_room());
  return stopwatch.nanoseconds();
}

}  // namespace anchor::bench
