// SPDX-License-Identifier: BSD-2-Clause
// The devices there are: one line each in registry.cpp. Thread-safe, immutable.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "dma/device.h"

namespace anchor {

// What the provider's parameters say; each device takes what concerns it.
struct DeviceOptions {
  std::string directory;    // where regions lie; empty: the device's own choice
  bool direct_copy = true;  // cross-memory attach may be used
  std::string window{};     // the window's configuration file; empty: there is none
  bool near_as_shm = true;  // where the window device is opened, peers of this host are reached as by shm
};

struct DeviceEntry {
  std::string_view name;
  // Whether there is such a device, by the options.
  bool (*present)(const DeviceOptions& options) noexcept;
  // Whether it could be opened, as far as that can be told without; if not, a warning says why.
  bool (*usable)(const DeviceOptions& options) noexcept;
  // Null when memory is short, or, with a warning, when the device cannot be used.
  std::unique_ptr<Device> (*open)(const DeviceOptions& options) noexcept;
};

// Null when no device has that name.
const DeviceEntry* find_device(std::string_view name) noexcept;

// All of them, the one to prefer first.
const DeviceEntry* first_device() noexcept;
std::size_t device_count() noexcept;

}  // namespace anchor
