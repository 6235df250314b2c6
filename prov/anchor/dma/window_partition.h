// SPDX-License-Identifier: BSD-2-Clause
// A partition of a window, mapped as a whole: address space, not memory. Parts of it are handed out as Mappings that
// keep the whole alive.
//
// Thread-safe once open.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "dma/device.h"
#include "dma/memory_type.h"
#include "dma/window_config.h"
#include "dma/window_layout.h"
#include "os/shared_memory.h"

namespace anchor {

class CheckedMemory;

enum class PartitionState : std::uint8_t {
  kNew,          // nothing but zeros where the header would be, or its host has begun to set it up
  kValid,        // its host has set it up as we would
  kDisagreeing,  // it is set up, but otherwise: `reason` says how
  kInvalid,      // something else lies there
};

class WindowPartition {
 public:
  // Once. A warning says what is wrong; negated errno value. Simulated memory is opened as it is, past all caches.
  int open(const WindowPlace& place, MemoryType memory = MemoryType::kCoherent) noexcept;
  // The same for partition `number`, simulated memory as our host sees it. `directory`: of the files that plays it
  // with.
  int open(const WindowConfig& config, std::uint32_t number, const std::string& directory) noexcept;
  // Has the file system reserve the memory where it is one that can.
  int reserve() const noexcept;

  std::byte* base() const noexcept { return whole_ == nullptr ? nullptr : whole_->data(); }
  std::uint64_t size() const noexcept { return place_.size; }
  const std::string& path() const noexcept { return place_.path; }
  const WindowPlace& place() const noexcept { return place_; }
  const FileIdentity& identity() const noexcept { return identity_; }
  bool lost() const noexcept { return whole_ != nullptr && whole_->lost(); }

  // What was stored to, resp. is loaded from, these bytes of it, is exchanged with the other hosts: memory_type.h.
  void push(const void* from, std::size_t bytes) const noexcept { anchor::push(memory_, from, bytes); }
  void refresh(const void* from, std::size_t bytes) const noexcept { anchor::refresh(memory_, from, bytes); }
  template <class Object>
  void push(const Object& object) const noexcept {
    push(&object, sizeof object);
  }
  template <class Object>
  void refresh(const Object& object) const noexcept {
    refresh(&object, sizeof object);
  }

  // Some other host may be the next to write to these lines.
  void give_away(const std::byte* from, std::size_t bytes) const noexcept;
  // Zeroes these bytes, and gives them away. Requires, as below: the range lies inside.
  void clear(std::uint64_t offset, std::size_t bytes) const noexcept;
  Mapping part(std::uint64_t offset, std::size_t bytes) const noexcept { return Mapping::of(whole_, offset, bytes); }

  // `reason`: of the last two.
  PartitionState look(std::uint32_t host, std::uint32_t hosts, std::string* reason) const;

 private:
  int check(std::uint32_t owner, std::uint32_t ours, const std::string& directory);

  WindowPlace place_;
  MemoryType memory_ = MemoryType::kCoherent;
  FileIdentity identity_;
  std::shared_ptr<const Mapping> whole_;
  CheckedMemory* checked_ = nullptr;  // lives as long as `whole_`; null: nobody checks
};

}  // namespace anchor
