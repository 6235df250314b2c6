// SPDX-License-Identifier: BSD-2-Clause
// Nodes that go to sleep.
#pragma once

#include "../proto/node.h"
#include "dispatch/sleeping.h"

namespace anchor::unit {

inline bool asleep(Node& node) {
  TimePoint alarm = TimePoint::max();
  return fall_asleep(node.exchange, &alarm);
}

inline void settle(Node& node) {
  cr_assert_geq(node.exchange.region->wait_object(), 0);
  cr_assert(until([&] { return asleep(node); }, node));
}

// Whose alarm helps nobody.
inline EndpointSettings patient() {
  EndpointSettings settings = quick();
  settings.liveness_interval = Milliseconds{60'000};
  return settings;
}

}  // namespace anchor::unit
