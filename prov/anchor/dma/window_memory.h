// SPDX-License-Identifier: BSD-2-Clause
// A domain's own memory in this host's partition: what fi_ext_anchor.h gives to applications.
//
// It belongs to a slot of its own, as an endpoint's does to its slot, so that a domain that dies gives it back, and not
// before everybody has forgotten it: processes of other hosts store there by themselves, and say that they may
// (WindowUsers::hold). What they may have learnt of is therefore kept for this domain when it is freed, and only the
// rest goes back to the host at once. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>

#include "dma/device_memory.h"
#include "dma/window.h"
#include "os/process_fd.h"

namespace anchor {

class WindowMemory final : public DeviceMemory {
 public:
  explicit WindowMemory(Window& window) noexcept : window_(window) {}
  ~WindowMemory() override;

  int allocate(std::size_t bytes, std::byte** address) noexcept override;
  int free(const void* address) noexcept override;
  DeviceMemoryRoom room() noexcept override;
  int find(const void* address, std::byte** start, std::size_t* bytes) noexcept override;

  // What peers are to be told of memory that they may store to (WindowMemoryPlace); 0: it is not all of one allocation.
  std::uint64_t place_of(const void* address, std::size_t bytes) noexcept;

 private:
  struct Piece {
    std::uint64_t bytes;
    bool shown;  // peers have been told of it, now or before
  };
  using Pieces = std::map<std::uint64_t, Piece>;  // by offset in the partition

  Pieces::iterator containing(const void* address) noexcept;
  int take_slot() noexcept;
  int claim(std::uint64_t bytes, Pieces::iterator* piece);
  bool take_kept(std::uint64_t bytes, Pieces::iterator* piece);
  void keep(Pieces::node_type&& piece) noexcept;
  int explain_shortage(std::uint64_t bytes) const noexcept;

  Window& window_;
  std::mutex mutex_;  // for what follows
  ProcessFd lock_;    // of our slot, once there is one
  std::uint32_t slot_ = 0;
  Pieces taken_;
  Pieces kept_;
};

}  // namespace anchor
