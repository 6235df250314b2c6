// SPDX-License-Identifier: BSD-2-Clause
// A device for endpoints of one process: a peer's region is mapped at the very address where its owner has it.
//
// The shm device maps one file at two addresses, and ThreadSanitizer, which thinks in addresses, never sees that two
// threads touch the same memory. Over this device it sees every access of the shared-memory protocol.
// Thread-safe, as a Device must be. A region's memory lives as long as a mapping of it.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "dma/device.h"
#include "dma/shm_device.h"

namespace anchor::stress {

struct NearMemory;

class NearDevice : public Device {
 public:
  NearDevice();
  ~NearDevice() override;

  std::string_view name() const noexcept override { return "near"; }
  int create(const EndpointName& name, std::size_t header_size, std::unique_ptr<LocalRegion>* region) noexcept override;
  int attach(const EndpointName& name, std::unique_ptr<RemoteRegion>* region) noexcept override;
  int open_direct_copy(const DirectCopyOffer& offer, std::unique_ptr<DirectCopy>* direct) noexcept override;
  void sweep() noexcept override {}

  // For its regions. False: the name is taken.
  bool publish(const std::string& name, std::shared_ptr<NearMemory> memory);
  void withdraw(const std::string& name, const NearMemory* memory);

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<NearMemory>> published_;
  ShmDevice shm_{ShmSettings{}};  // for cross-memory attach, which works within one process too
};

}  // namespace anchor::stress
