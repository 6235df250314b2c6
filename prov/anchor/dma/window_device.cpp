// SPDX-License-Identifier: BSD-2-Clause
#include "dma/window_device.h"

#include <cerrno>
#include <new>

#include "dma/shm_direct_copy.h"
#include "dma/window_region.h"
#include "os/cacheline.h"
#include "os/log.h"

namespace anchor {

std::unique_ptr<WindowDevice> WindowDevice::open(const WindowSettings& settings) noexcept try {
  WindowConfig config;
  std::string reason;
  if (!read_window_config(settings.configuration, &config, &reason)) {
    ANCHOR_WARN(kDomain, "no window: %s", reason.c_str());
    return nullptr;
  }
  auto device = std::make_unique<WindowDevice>();
  // Who stores past the caches has no order of his stores, not even for his own host.
  device->near_ = settings.near && config.memory != MemoryType::kWriteCombined;
  device->direct_copy_ = settings.direct_copy;
  if (device->window_.open(config, settings.directory) != 0) return nullptr;
  return device->doorbell_.open(device->window_.has_doorbell()) == 0 ? std::move(device) : nullptr;
} catch (const std::bad_alloc&) {
  return nullptr;
}

int WindowDevice::create(const EndpointName& name, std::size_t header_size,
                         std::unique_ptr<LocalRegion>* region) noexcept try {
  if (!name.valid() || header_size == 0 || header_size % kPageSize != 0 || header_size > data_offset(window_.hosts()))
    return -EINVAL;
  doorbell_.join();
  if (const int error = keeper_.start()) return error;
  auto made = std::make_unique<WindowLocalRegion>(window_, keeper_, memory_, name);
  if (const int error = made->open(header_size)) return error;
  *region = std::move(made);
  return 0;
} catch (const std::bad_alloc&) {
  return -ENOMEM;
}

int WindowDevice::attach(const EndpointName& name, std::unique_ptr<RemoteRegion>* region) noexcept try {
  if (!name.valid()) return -EINVAL;
  WindowEndpoint peer;
  if (const int error = window_.find(name, &peer)) return error;
  auto found = std::make_unique<WindowRemoteRegion>(window_, doorbell_, peer, near_);
  // Only now it is certain that the memory stays its own as long as we hold it.
  if (!found->alive() || !window_.is_current(peer)) return -ENOENT;
  window_.introduce_to(peer.host);
  *region = std::move(found);
  return 0;
} catch (const std::bad_alloc&) {
  return -ENOMEM;
}

// Asked for peers of this host only: the others are distant.
int WindowDevice::open_direct_copy(const DirectCopyOffer& offer, std::unique_ptr<DirectCopy>* direct) noexcept try {
  if (!near_ || !direct_copy_) return -EOPNOTSUPP;
  auto opened = std::make_unique<ShmDirectCopy>(offer);
  if (const int error = opened->check()) return error;
  *direct = std::move(opened);
  return 0;
} catch (const std::bad_alloc&) {
  return -ENOMEM;
}

}  // namespace anchor
