// SPDX-License-Identifier: BSD-2-Clause
#include "stopwatch.h"

#include <algorithm>

namespace anchor::bench {
namespace {

double at_quantile(const std::vector<std::uint64_t>& sorted, double quantile) {
  const auto last = static_cast<double>(sorted.size() - 1);
  return static_cast<double>(sorted[static_cast<std::size_t>(last * quantile + 0.5)]);
}

}  // namespace

Percentiles Stopwatch::nanoseconds(double parts) const {
  std::vector<std::uint64_t> laps;
  laps.reserve(stamps_.size());
  for (std::size_t i = 1; i < stamps_.size(); ++i) laps.push_back(stamps_[i] - stamps_[i - 1]);
  std::sort(laps.begin(), laps.end());
  const double scale = nanoseconds_per_tick() / parts;
  const double total = static_cast<double>(stamps_.back() - stamps_.front());
  return {.p50 = at_quantile(laps, 0.5) * scale,
          .p90 = at_quantile(laps, 0.9) * scale,
          .p99 = at_quantile(laps, 0.99) * scale,
          .mean = total / static_cast<double>(laps.size()) * scale};
}

Percentiles per_second(const Percentiles& nanoseconds, double work) {
  const auto rate = [work](double duration) { return work * 1e9 / duration; };
  return {.p50 = rate(nanoseconds.p50),
          .p90 = rate(nanoseconds.p90),
          .p99 = rate(nanoseconds.p99),
          .mean = rate(nanoseconds.mean)};
}

}  // namespace anchor::bench
