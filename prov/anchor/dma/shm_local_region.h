// SPDX-License-Identifier: BSD-2-Clause
// The region of one of our own endpoints on the shm device.
//
// Its file is made without a name, or under an unborn one, then locked, filled, and linked to its real name. The whole
// address range it may ever grow to is mapped once, so that blocks never move; the file grows behind it, in steps, by
// reserved space only. Owns file, lock, name and mapping. Used by one thread at a time, but for allocate and release.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "dma/device.h"
#include "os/guarded_mapping.h"
#include "os/process_fd.h"
#include "os/shared_memory.h"

namespace anchor {

struct ShmRegionSettings {
  std::string directory;
  std::size_t size_limit;  // of one region: address space, not memory
  bool nameless_files;     // false: behave as where the file system or a missing /proc does not allow them
};

class ShmLocalRegion final : public LocalRegion {
 public:
  explicit ShmLocalRegion(std::string path) noexcept : path_(std::move(path)) {}
  ~ShmLocalRegion() override;

  // Once, before anything else. On failure the object is only good for destruction. May throw std::bad_alloc.
  int open(const ShmRegionSettings& settings, std::size_t header_size);

  std::byte* header() noexcept override { return base_; }
  int publish() noexcept override;
  int allocate(std::size_t bytes, std::uint64_t* offset, std::byte** address) noexcept override;
  void release(std::uint64_t offset, std::size_t bytes) noexcept override;
  int wait_object() noexcept override;
  void drain_wakes() noexcept override;
  int wake() noexcept override;
  int death_notices() noexcept override;
  std::size_t take_death_notices(std::uint64_t* keys, std::size_t room) noexcept override;
  bool intact() const noexcept override { return !lost_.load(std::memory_order_relaxed); }

 private:
  struct Block {
    std::uint64_t offset;
    std::size_t bytes;
  };

  int open_file(const ShmRegionSettings& settings);
  int open_unborn(const std::string& directory);
  int lock_unborn() noexcept;
  int link_name() noexcept;
  int published_as(int error) noexcept;
  void remove_wait_pipe() noexcept;
  // shm_local_region_space.cpp
  int explain_shortage(std::uint64_t bytes, int error) noexcept;
  int grow(std::size_t bytes) noexcept;
  bool take_released(std::size_t bytes, std::uint64_t* offset) noexcept;
  int carve(std::size_t bytes, std::uint64_t* offset) noexcept;

  const std::string path_;
  std::string unborn_path_;  // empty: the file has no name yet, or its real one
  ProcessFd file_;
  ProcessFd pipe_;     // the wait object, once it was asked for
  ProcessFd notices_;  // of peers' deaths, once they were asked for
  FileIdentity identity_;
  bool published_ = false;
  bool shortage_told_ = false;      // a caller may ask again and again; the log shall say it once
  bool pipe_refusal_told_ = false;  // likewise
  bool notices_refusal_told_ = false;

  std::byte* base_ = nullptr;
  std::size_t size_limit_ = 0;
  std::mutex space_;            // for what follows
  std::uint64_t reserved_ = 0;  // file space that is ours for certain
  std::uint64_t used_ = 0;      // header and blocks handed out at some time; used_ <= reserved_ <= size_limit_
  std::size_t blocks_ = 0;      // carved so far: the most that released_ can hold
  std::vector<Block> released_;
  LostFlag lost_{false};
};

}  // namespace anchor
