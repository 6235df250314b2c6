// SPDX-License-Identifier: BSD-2-Clause
#include "dma/shm_device.h"

#include <cerrno>
#include <cstring>
#include <new>

#include "dma/shm_direct_copy.h"
#include "dma/shm_local_region.h"
#include "dma/shm_region.h"
#include "dma/shm_remote_region.h"
#include "os/cacheline.h"
#include "os/log.h"

namespace anchor {

int ShmDevice::create(const EndpointName& name, std::size_t header_size, std::unique_ptr<LocalRegion>* region) noexcept
    try {
  if (!name.valid() || header_size == 0 || header_size % kPageSize != 0) return -EINVAL;
  auto made = std::make_unique<ShmLocalRegion>(region_path(settings_.directory, name));
  const ShmRegionSettings settings{settings_.directory, settings_.region_limit, settings_.nameless_files};
  if (const int error = made->open(settings, header_size); error != 0) return error;
  *region = std::move(made);
  return 0;
} catch (const std::bad_alloc&) {
  return -ENOMEM;
}

int ShmDevice::attach(const EndpointName& name, std::unique_ptr<RemoteRegion>* region) noexcept try {
  if (!name.valid()) return -EINVAL;
  auto found = std::make_unique<ShmRemoteRegion>(region_path(settings_.directory, name), std::make_shared<LostFlag>());
  if (const int error = found->open(); error != 0) return error;
  *region = std::move(found);
  return 0;
} catch (const std::bad_alloc&) {
  return -ENOMEM;
}

int ShmDevice::open_direct_copy(const DirectCopyOffer& offer, std::unique_ptr<DirectCopy>* direct) noexcept try {
  if (!settings_.direct_copy) return -EOPNOTSUPP;
  auto opened = std::make_unique<ShmDirectCopy>(offer);
  if (const int error = opened->check(); error != 0) {
    ANCHOR_INFO(kEndpoint, "no cross-memory attach with process %lld (%s): large messages are copied twice instead",
                static_cast<long long>(offer.process_id), std::strerror(-error));
    return error;
  }
  *direct = std::move(opened);
  return 0;
} catch (const std::bad_alloc&) {
  return -ENOMEM;
}

void ShmDevice::sweep() noexcept { remove_all_dead(settings_.directory); }

}  // namespace anchor
