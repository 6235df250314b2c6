// SPDX-License-Identifier: BSD-2-Clause
#include "dma/registry.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <new>

#include "dma/shm_device.h"
#include "dma/window_device.h"
#include "os/log.h"

namespace anchor {
namespace {

std::unique_ptr<Device> open_shm(const DeviceOptions& options) noexcept try {
  ShmSettings settings;
  if (!options.directory.empty()) settings.directory = options.directory;
  settings.direct_copy = options.direct_copy;
  return std::make_unique<ShmDevice>(std::move(settings));
} catch (const std::bad_alloc&) {
  return nullptr;
}

std::unique_ptr<Device> open_window(const DeviceOptions& options) noexcept try {
  WindowSettings settings;
  settings.configuration = options.window;
  settings.near = options.near_as_shm;
  settings.direct_copy = options.direct_copy;
  if (!options.directory.empty()) settings.directory = options.directory;
  return WindowDevice::open(settings);
} catch (const std::bad_alloc&) {
  return nullptr;
}

bool is_configured(const DeviceOptions& options) noexcept { return !options.window.empty(); }

// Each device keeps files there.
bool has_directory(const DeviceOptions& options) noexcept {
  const ShmSettings usual;
  const std::string& directory = options.directory.empty() ? usual.directory : options.directory;
  if (::faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) == 0) return true;
  ANCHOR_WARN(kCore,
              "%s cannot hold our regions (%s): name a folder in memory that you may write to by FI_ANCHOR_SHM_DIR",
              directory.c_str(), std::strerror(errno));
  return false;
}

constexpr DeviceEntry kDevices[] = {
    {"shm", [](const DeviceOptions&) noexcept { return true; }, has_directory, open_shm},
    {"window", is_configured, has_directory, open_window},
};

}  // namespace

const DeviceEntry* find_device(std::string_view name) noexcept {
  const auto* const found = std::find_if(std::begin(kDevices), std::end(kDevices),
                                         [name](const DeviceEntry& entry) { return entry.name == name; });
  return found == std::end(kDevices) ? nullptr : found;
}

const DeviceEntry* first_device() noexcept { return kDevices; }
std::size_t device_count() noexcept { return std::size(kDevices); }

}  // namespace anchor
