// SPDX-License-Identifier: BSD-2-Clause
// What the processes of host 0 share about their partition, as one of them sees it.
#pragma once

#include "dma/window_home.h"
#include "window_place.h"

namespace anchor::unit {

struct Home {
  explicit Home(const WindowPlaces& places) {
    const WindowConfig config = places.config(0);
    cr_assert_eq(own.open(config.partitions[0]), 0);
    cr_assert_eq(home.open(config, own, places.scratch.path()), 0);
  }
  WindowPartition own;
  WindowHome home;
};

}  // namespace anchor::unit
