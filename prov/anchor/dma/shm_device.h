// SPDX-License-Identifier: BSD-2-Clause
// The shm device: regions are files in a memory file system (shm_region.h), the DMA engine is the CPU, and large
// transfers may go by cross-memory attach. Thread-safe; stateless after construction.
#pragma once

#include <string>

#include "dma/device.h"

namespace anchor {

struct ShmSettings {
  std::string directory = "/dev/shm";  // a memory file system that every peer sees under the same path
  bool direct_copy = true;             // false: as where the kernel refuses cross-memory attach
  // The most that one endpoint's region may grow to. Address space, not memory: 4096 peers at 64 KiB each.
  std::size_t region_limit = std::size_t{256} << 20;
  bool nameless_files = true;  // false: as where O_TMPFILE or /proc is missing
};

class ShmDevice final : public Device {
 public:
  explicit ShmDevice(ShmSettings settings) noexcept : settings_(std::move(settings)) {}

  std::string_view name() const noexcept override { return "shm"; }
  int create(const EndpointName& name, std::size_t header_size, std::unique_ptr<LocalRegion>* region) noexcept override;
  int attach(const EndpointName& name, std::unique_ptr<RemoteRegion>* region) noexcept override;
  int open_direct_copy(const DirectCopyOffer& offer, std::unique_ptr<DirectCopy>* direct) noexcept override;
  void sweep() noexcept override;

 private:
  const ShmSettings settings_;
};

}  // namespace anchor
