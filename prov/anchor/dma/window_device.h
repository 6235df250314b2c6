// SPDX-License-Identifier: BSD-2-Clause
// The window device: hosts that share a window of memory (window.h), the DMA engine being the CPU. Thread-safe.
#pragma once

#include <memory>
#include <string>

#include "dma/device.h"
#include "dma/window.h"
#include "dma/window_doorbell.h"
#include "dma/window_keeper.h"
#include "dma/window_memory.h"

namespace anchor {

struct WindowSettings {
  std::string configuration;           // the file's path
  std::string directory = "/dev/shm";  // of this host's own files: in memory, and seen by all its processes
  // Peers of this host are talked to as the shm device would: with barriers, and, if `direct_copy`, cross-memory
  // attach.
  bool near = false;
  bool direct_copy = true;
};

class WindowDevice final : public Device {
 public:
  // Null, with a warning, when the window cannot be used as the configuration says.
  static std::unique_ptr<WindowDevice> open(const WindowSettings& settings) noexcept;

  std::string_view name() const noexcept override { return "window"; }
  MemoryType memory() const noexcept override { return window_.memory(); }
  int create(const EndpointName& name, std::size_t header_size, std::unique_ptr<LocalRegion>* region) noexcept override;
  int attach(const EndpointName& name, std::unique_ptr<RemoteRegion>* region) noexcept override;
  int open_direct_copy(const DirectCopyOffer& offer, std::unique_ptr<DirectCopy>* direct) noexcept override;
  // Peers store there by themselves, and who allocated it loads what they stored: both by plain instructions.
  DeviceMemory* for_applications() noexcept override { return memory() == MemoryType::kCoherent ? &memory_ : nullptr; }
  void sweep() noexcept override { window_.beat_if_due(); }

  Window& window() noexcept { return window_; }
  // Sends the heartbeat from now on, though no endpoint is here. 0 or -EAGAIN.
  int keep() noexcept { return keeper_.start(); }

 private:
  bool near_ = false;
  bool direct_copy_ = true;
  Window window_;
  WindowMemory memory_{window_};
  WindowDoorbell doorbell_{window_};
  WindowKeeper keeper_{window_, &doorbell_};
};

}  // namespace anchor
