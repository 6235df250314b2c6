// SPDX-License-Identifier: BSD-2-Clause
#include "stopwatch.h"

#include <algorithm>
#include <numeric>

namespace anchor::bench {
namespace {

double at_quantile(const std::vector<std::uint64_t>& sorted, double quantile) {
  const auto last = static_cast<double>(sorted.size() - 1);
  return static_cast<double>(sorted[static_cast<std::size_t>(last * quantile + 0.5)]);
}

}  // namespace

Percentiles Stopwatch::nanoseconds(double parts) const {
  if (laps_.empty()) return {};
  std::vector<std::uint64_t> sorted = laps_;
  std::sort(sorted.begin(), sorted.end());
  const double scale = nanoseconds_per_tick() / parts;
  const double total = std::accumulate(sorted.begin(), sorted.end(), 0.0);
  return {.p50 = at_quantile(sorted, 0.5) * scale,
          .p90 = at_quantile(sorted, 0.9) * scale,
          .p99 = at_quantile(sorted, 0.99) * scale,
          .mean = total / static_cast<double>(sorted.size()) * scale};
}

double Stopwatch::quickest_nanoseconds() const {
  if (laps_.empty()) return 0;
  return static_cast<double>(*std::min_element(laps_.begin(), laps_.end())) * nanoseconds_per_tick();
}

Percentiles half_of(const Percentiles& whole) {
  return {.p50 = whole.p50 / 2, .p90 = whole.p90 / 2, .p99 = whole.p99 / 2, .mean = whole.mean / 2};
}

Percentiles per_second(const Percentiles& nanoseconds, double work) {
  const auto rate = [work](double duration) { return work * 1e9 / duration; };
  return {.p50 = rate(nanoseconds.p50),
          .p90 = rate(nanoseconds.p90),
          .p99 = rate(nanoseconds.p99),
          .mean = rate(nanoseconds.mean)};
}

}  // namespace anchor::bench
