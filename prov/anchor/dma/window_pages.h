// SPDX-License-Identifier: BSD-2-Clause
// Which slot each page of our partition's data belongs to, as the processes of this host share it. Only atomic
// operations on the owners: thread-safe.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace anchor {

using PageOwner = std::atomic<std::uint16_t>;  // slot + 1, 0: free

class WindowPages {
 public:
  // Once. `owners`: one for each page of the partition, to outlive this; `first`: of data; `end`: of the partition.
  void open(PageOwner* owners, std::uint64_t first, std::uint64_t end) noexcept;

  // Pages in a row for a slot of ours. -ENOSPC.
  int claim(std::uint32_t slot, std::size_t bytes, std::uint64_t* offset) noexcept;
  void release(std::uint64_t offset, std::size_t bytes) noexcept;
  void release_all_of(std::uint32_t slot) noexcept;
  // Free ones; `longest`: in a row.
  struct Room {
    std::uint64_t bytes;
    std::uint64_t longest;
  };
  Room room() const noexcept;

 private:
  bool take(std::uint64_t first, std::uint64_t count, PageOwner::value_type owner) noexcept;

  PageOwner* owners_ = nullptr;
  std::uint64_t first_ = 0;
  std::uint64_t end_ = 0;
  std::atomic<std::uint64_t> next_{0};  // where the next search begins, from first_
};

}  // namespace anchor
