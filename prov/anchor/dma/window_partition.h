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
#include "dma/window_config.h"
#include "dma/window_layout.h"
#include "os/shared_memory.h"

namespace anchor {

enum class PartitionState : std::uint8_t {
  kNew,          // nothing but zeros where the header would be, or its host has begun to set it up
  kValid,        // its host has set it up as we would
  kDisagreeing,  // it is set up, but otherwise: `reason` says how
  kInvalid,      // something else lies there
};

class WindowPartition {
 public:
  // Once. A warning says what is wrong; negated errno value.
  int open(const WindowPlace& place) noexcept;
  // Has the file system reserve the memory where it is one that can.
  int reserve() const noexcept;

  std::byte* base() const noexcept { return whole_ == nullptr ? nullptr : whole_->data(); }
  std::uint64_t size() const noexcept { return place_.size; }
  const std::string& path() const noexcept { return place_.path; }
  const WindowPlace& place() const noexcept { return place_; }
  const FileIdentity& identity() const noexcept { return identity_; }
  bool lost() const noexcept { return whole_ != nullptr && whole_->lost(); }

  // Requires: the range lies inside.
  Mapping part(std::uint64_t offset, std::size_t bytes) const noexcept { return Mapping::of(whole_, offset, bytes); }

  // `reason`: of the last two.
  PartitionState look(std::uint32_t host, std::uint32_t hosts, std::string* reason) const;

 private:
  WindowPlace place_;
  FileIdentity identity_;
  std::shared_ptr<const Mapping> whole_;
};

}  // namespace anchor
