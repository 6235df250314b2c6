// SPDX-License-Identifier: BSD-2-Clause
// Memory of a device that an application has for its own, and that peers, once it is registered, reach by themselves.
// Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>

namespace anchor {

struct DeviceMemoryRoom {
  std::uint64_t total;  // bytes of the device's memory on this host, for whatever purpose
  std::uint64_t free_bytes;
  std::uint64_t longest;    // of them in a row
  std::uint64_t allocated;  // here, and not freed yet
  std::uint64_t granularity;
  std::uint32_t host;  // which of `hosts` this one is
  std::uint32_t hosts;
};

class DeviceMemory {
 public:
  virtual ~DeviceMemory() = default;

  // At least `bytes`, zeroed, aligned to pages. -EINVAL: none wanted. -ENOSPC, with a warning that says how much there
  // is; -EIO: the device is gone.
  virtual int allocate(std::size_t bytes, std::byte** address) noexcept = 0;
  // Gives back what allocate() gave. -EINVAL: it did not.
  virtual int free(const void* address) noexcept = 0;
  virtual DeviceMemoryRoom room() noexcept = 0;
  // The allocation that `address` lies in: its start and length. -ENOENT: none.
  virtual int find(const void* address, std::byte** start, std::size_t* bytes) noexcept = 0;
};

}  // namespace anchor
