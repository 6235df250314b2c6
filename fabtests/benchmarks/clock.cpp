// SPDX-License-Identifier: BSD-2-Clause
#include "clock.h"

namespace anchor::bench {
namespace {

constexpr std::uint64_t kCalibrationNanoseconds = 5'000'000;

double calibrate() {
  const std::uint64_t time_begin = steady_nanoseconds();
  const std::uint64_t tick_begin = ticks();
  std::uint64_t elapsed = 0;
  while (elapsed < kCalibrationNanoseconds) elapsed = steady_nanoseconds() - time_begin;
  return static_cast<double>(elapsed) / static_cast<double>(ticks() - tick_begin);
}

}  // namespace

double nanoseconds_per_tick() {
  static const double rate = calibrate();
  return rate;
}

}  // namespace anchor::bench
