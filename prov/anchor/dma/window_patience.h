// SPDX-License-Identifier: BSD-2-Clause
// Taking something of a window's that may be short for a moment only: what dead endpoints and domains had is free again
// after some heartbeats of the other hosts.
#pragma once

#include <cerrno>
#include <ctime>

#include "dma/window.h"

namespace anchor {

inline constexpr int kWindowAttempts = 100;
inline constexpr timespec kWindowPause{0, 10'000'000};

template <class Take>
int take_patiently(Window& window, Take&& take) noexcept {
  int error = take();
  for (int i = 0; error == -ENOSPC && i < kWindowAttempts; ++i) {
    ::nanosleep(&kWindowPause, nullptr);
    window.beat_if_due();
    error = take();
  }
  return error;
}

}  // namespace anchor
