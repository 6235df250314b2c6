// SPDX-License-Identifier: BSD-2-Clause
// A peer's memory protection table as whoever wants to use its memory sees it: the check that comes before every read
// and write (US10331613B2, claim 1).
//
// The table is the peer's and may be anything: rows are copied, checked, then used, chunks lie inside of the peer's
// region, and nothing loops on what the peer writes. Where a key was found is remembered, so that the usual check
// reads one cache line. Used under the endpoint's lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "dma/device.h"
#include "fifo/protection_layout.h"
#include "fifo/protection_rows.h"

namespace anchor {

class ProtectionView {
 public:
  // `directory`: mapped, of `chunk_count` chunks, in a header of `header_size` bytes of `region`. Both must outlive
  // the view.
  ProtectionView(const std::byte* directory, std::uint32_t chunk_count, std::uint64_t header_size,
                 RemoteRegion& region) noexcept
      : directory_(reinterpret_cast<const ProtectionDirectory*>(directory)),
        chunk_count_(chunk_count < kProtectionChunks ? chunk_count : kProtectionChunks),
        header_size_(header_size),
        region_(region) {}
  ProtectionView(const ProtectionView&) = delete;
  ProtectionView& operator=(const ProtectionView&) = delete;

  // -EKEYREJECTED: no region has the key. -EACCES: not allowed there. -ERANGE: beyond its end. Otherwise what
  // RemoteRegion::map says, or -EPROTO: the table makes no sense.
  int check(const ProtectedAccess& wanted, ProtectedPieces* pieces) noexcept;

  // All rows of the region with this key, and what is told whatever the region, for who is not to look each time.
  // -EKEYREJECTED, and so on, as check().
  int copy(std::uint64_t key, std::uint32_t* number, RowCopy (&rows)[kMaxRegionRows], std::uint32_t* count,
           std::uint32_t* told) noexcept;

  // Whether row `number` is still what it was in that generation.
  bool is_current(std::uint32_t number, std::uint64_t generation) const noexcept;

  // Keys of which it is known where they were found: never more than twice as many as the table has rows.
  std::size_t remembered() const noexcept { return numbers_.size(); }

 private:
  bool copy_row(std::uint32_t number, RowCopy* row) noexcept;
  std::uint32_t always_told() const noexcept {
    return static_cast<std::uint32_t>(directory_->told.load(std::memory_order_relaxed));
  }
  int find(std::uint64_t key, std::uint32_t* number, RowCopy* first) noexcept;
  std::uint32_t rows_in_use() const noexcept;
  int scan(std::uint64_t key, std::uint32_t* number, RowCopy* first) noexcept;
  void remember(std::uint64_t key, std::uint32_t number) noexcept;
  int map_chunk(std::uint32_t chunk) noexcept;
  const ProtectionRow* row_at(std::uint32_t number) const noexcept;

  const ProtectionDirectory* const directory_;
  const std::uint32_t chunk_count_;
  const std::uint64_t header_size_;
  RemoteRegion& region_;
  Mapping chunks_[kProtectionChunks];
  // Where keys were found. The last one is kept apart: most operations go where the one before went.
  std::uint64_t last_key_ = 0;
  std::uint32_t last_number_ = kMaxRows;
  std::unordered_map<std::uint64_t, std::uint32_t> numbers_;
};

}  // namespace anchor
