// SPDX-License-Identifier: BSD-2-Clause
// The regions of a window: our own endpoints', carved from our partition, and peers', as parts of theirs.
//
// An offset below the header's size is in the header; any other one is counted from the start of the partition, whose
// first data lie behind that size. So a region's pages may lie anywhere.
#pragma once

#include <sys/types.h>

#include <memory>
#include <mutex>
#include <optional>

#include "dma/device.h"
#include "dma/window.h"
#include "dma/window_doorbell.h"
#include "dma/window_keeper.h"
#include "dma/window_memory.h"
#include "os/process_fd.h"
#include "os/unique_fd.h"

namespace anchor {

// Used by one thread at a time, but for allocate and release.
class WindowLocalRegion final : public LocalRegion {
 public:
  WindowLocalRegion(Window& window, WindowKeeper& keeper, WindowMemory& memory, const EndpointName& name) noexcept
      : window_(window), keeper_(keeper), memory_(memory), name_(name) {}
  ~WindowLocalRegion() override;

  // Once, before anything else. On failure the object is only good for destruction.
  int open(std::size_t header_size) noexcept;

  std::byte* header() noexcept override { return window_.own().base() + self_.header_offset; }
  int publish() noexcept override;
  int allocate(std::size_t bytes, std::uint64_t* offset, std::byte** address) noexcept override;
  int allocate_spare(std::size_t bytes, std::uint64_t* offset, std::byte** address) noexcept override;
  void release(std::uint64_t offset, std::size_t bytes) noexcept override;
  std::uint64_t place_of(const void* address, std::size_t bytes) noexcept override {
    return memory_.place_of(address, bytes);
  }
  int wait_object() noexcept override;
  void drain_wakes() noexcept override;
  int wake() noexcept override;
  void watch(const std::byte* board, std::size_t bytes, const std::atomic<std::uint64_t>* epoch) noexcept override;
  void wake_at(TimePoint time) noexcept override;
  void tell_epoch(std::uint64_t epoch) noexcept override;
  void hand_over(const std::byte* from, std::size_t bytes) noexcept override { window_.own().give_away(from, bytes); }
  bool intact() const noexcept override { return !window_.own().lost(); }

 private:
  int claim(std::size_t bytes, std::uint64_t* offset) noexcept;
  void explain_shortage(std::size_t bytes) const noexcept;

  Window& window_;
  WindowKeeper& keeper_;
  WindowMemory& memory_;
  const EndpointName name_;
  WindowEndpoint self_{};
  ProcessFd lock_;  // of our slot
  bool published_ = false;
  std::atomic<bool> shortage_told_{false};
  const std::byte* board_ = nullptr;
  std::size_t board_bytes_ = 0;
  const std::atomic<std::uint64_t>* epoch_ = nullptr;
  UniqueFd event_;
  std::optional<WindowWatch> watch_;
};

// Used by one thread at a time.
class WindowRemoteRegion final : public RemoteRegion {
 public:
  // `near`: peers of our own host are talked to as host memory allows.
  WindowRemoteRegion(Window& window, WindowDoorbell& doorbell, const WindowEndpoint& peer, bool near) noexcept;
  ~WindowRemoteRegion() override;

  int map(std::uint64_t offset, std::size_t bytes, Mapping* mapping) noexcept override;
  bool alive() noexcept override { return window_.alive(peer_); }
  bool distant() const noexcept override { return distant_; }
  // Rings its host, whose keepers look whom it is for.
  int wake() noexcept override { return doorbell_.ring(peer_.host); }
  Sleeper* doorbell() noexcept override { return distant_ && window_.has_doorbell() ? this : nullptr; }
  std::uint64_t told_epoch() noexcept override { return window_.sleep_of(peer_); }
  MemoryType memory() const noexcept override { return distant_ ? window_.memory() : MemoryType::kCoherent; }
  std::byte* placed(std::uint64_t place, std::uint64_t skip, std::uint64_t bytes) noexcept override;
  bool intact() const noexcept override { return !window_.partition(peer_.host).lost(); }
  int claim_contact(unsigned index) noexcept override;
  void release_contact() noexcept override { contact_.reset(); }

 private:
  bool hold_memory(std::uint32_t slot) noexcept;

  Window& window_;
  WindowDoorbell& doorbell_;
  const WindowEndpoint peer_;
  const bool distant_;
  const pid_t process_;
  ProcessFd contact_;
  std::uint32_t memory_slot_ = 0;  // of its domain's memory, held; 0: none
};

}  // namespace anchor
