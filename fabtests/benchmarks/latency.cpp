// SPDX-License-Identifier: BSD-2-Clause
//
// Half round trip against size, tagged and untagged.
#include "ping_pong.h"

namespace anchor::bench {
namespace {

constexpr std::size_t kSmallest = 8;
constexpr std::size_t kLargest = 8 << 20;

template <Traffic kTraffic>
void measure_latency(Scene& scene) {
  const std::vector<std::size_t> sizes = sizes_between(scene.options, kSmallest, kLargest);
  if (sizes.empty()) return;
  Connection connection(scene, sizes.back());
  for (const std::size_t size : sizes) {
    const Percentiles half = measure_ping_pong<kTraffic>(scene, connection, size, Posting::kSendFirst);
    if (scene.is_leader()) scene.report.percentiles("half_round_trip_ns", size, half);
  }
}

}  // namespace

void measure_tagged_latency(Scene& scene) { measure_latency<Traffic::kTagged>(scene); }
void measure_untagged_latency(Scene& scene) { measure_latency<Traffic::kUntagged>(scene); }

}  // namespace anchor::bench
