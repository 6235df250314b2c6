// SPDX-License-Identifier: BSD-2-Clause
// The owner's side of the memory protection table: adding and revoking rows.
//
// Used under the lock of whoever owns the regions; the region's memory comes from LocalRegion::allocate, which is
// thread-safe. Revoking is complete when the call returns: whoever reads the row afterwards finds it free.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "dma/device.h"
#include "fifo/protection_layout.h"

namespace anchor {

struct ProtectionTerms {
  std::uint64_t key;
  std::uint64_t base;
  std::uint64_t length;
  std::uint64_t address;
  std::uint32_t rights;  // not 0
  std::uint32_t told;
  std::uint64_t place = 0;
};

class ProtectionTable {
 public:
  // `directory`: zeroed, in the header of `region`. Both must outlive the table.
  ProtectionTable(std::byte* directory, LocalRegion& region) noexcept
      : directory_(reinterpret_cast<ProtectionDirectory*>(directory)), region_(region) {}
  ProtectionTable(const ProtectionTable&) = delete;
  ProtectionTable& operator=(const ProtectionTable&) = delete;

  // One row for each of `count` (1 to kMaxRegionRows) segments. -ENOSPC: the table, or the device, has no room left.
  // May throw std::bad_alloc.
  int add(const ProtectionTerms* terms, std::uint32_t count, std::uint32_t* first);
  void remove(std::uint32_t first, std::uint32_t count) noexcept;
  // The rows say what they did, but as if they had been given anew.
  void renew(std::uint32_t first, std::uint32_t count) noexcept;
  // Rights of these rows, resp. of every row, whose use is to be told.
  void tell(std::uint32_t first, std::uint32_t count, std::uint32_t rights) noexcept;
  void tell_always(std::uint32_t rights) noexcept;
  // What a row's terms gave as its place. Relaxed: nobody else writes it.
  std::uint64_t place(std::uint32_t number) const noexcept { return row(number).place.load(std::memory_order_relaxed); }

 private:
  int take_rows(std::uint32_t count, std::uint32_t* first);
  int extend(std::uint32_t count, std::uint32_t* first);
  int make_chunk();
  ProtectionRow& row(std::uint32_t number) const noexcept {
    const std::uint32_t chunk = chunk_of(number);
    return chunks_[chunk][number - chunk_start(chunk)];
  }

  ProtectionDirectory* const directory_;
  LocalRegion& region_;
  ProtectionRow* chunks_[kProtectionChunks] = {};
  std::uint32_t chunk_count_ = 0;
  std::uint32_t used_ = 0;
  // First rows of free runs, by length: rows of one region stay together.
  std::vector<std::uint32_t> free_[kMaxRegionRows + 1];
};

}  // namespace anchor
