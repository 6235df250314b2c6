// SPDX-License-Identifier: BSD-2-Clause
// A window as one of two hosts sees it, with endpoints that have no region.
#pragma once

#include "dma/window.h"
#include "window_place.h"

namespace anchor::unit {

struct OpenWindow {
  OpenWindow(const WindowPlaces& places, int host) {
    cr_assert_eq(window.open(places.config(host), places.scratch.path()), 0);
  }
  void beat() {
    window.home().shared().beat_due.store(0);
    window.beat_if_due();
  }
  Window window;
};

// An endpoint of a window without a region.
struct Entry {
  Entry(Window& in, const char* text, std::uint64_t life) : window(in), name(named(text)) {
    cr_assert_eq(window.home().take_slot(&lock, &self.slot), 0);
    self = {window.host(), self.slot, life, data_offset(2), kPageSize};
    error = window.announce(name, self);
  }
  Window& window;
  EndpointName name;
  ProcessFd lock;
  WindowEndpoint self{};
  int error;
};

}  // namespace anchor::unit
