// SPDX-License-Identifier: BSD-2-Clause
// The rows of a peer's memory protection table whose memory is mapped here, too: it is a part of a file that the peer
// shares. Reading and writing it is then a matter of loads and stores.
//
// Finding that out takes as long as a hundred copies, and most memory is private. So a row is looked into once it was
// used a number of times, which doubles with each one that turns out private; and once in a generation of it, since
// memory that is registered stays what it is (fi_mr_refresh begins a new one). What is mapped belongs to a row and a
// generation: a row that is closed is not found here any more, by the very check that finds it closed, and is unmapped
// by the next drop_stale(). What a peer's table says is not believed beyond that: no access leaves the mapping.
// Owns the mappings; their number and size are bounded, for a peer and for the process. Used under the endpoint's lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "dma/device.h"
#include "fifo/protection_view.h"

namespace anchor {

class MappedRows {
 public:
  MappedRows() = default;  // may throw std::bad_alloc
  ~MappedRows() { drop_all(); }
  MappedRows(const MappedRows&) = delete;
  MappedRows& operator=(const MappedRows&) = delete;

  // Where a piece of a row that was just checked lies in our memory; nullptr: it is to be copied. Counts as a use.
  std::byte* find(DirectCopy& direct, const ProtectedRow& row, const iovec& piece, bool to_write) noexcept {
    Entry& entry = entries_[row.number % kEntries];
    if (entry.row.number != row.number || entry.row.generation != row.generation || entry.view.first == nullptr)
        [[unlikely]]
      if (!take_in(direct, row, entry)) return nullptr;
    // By what was mapped, not by what the row says now.
    const std::uint64_t offset = reinterpret_cast<std::uint64_t>(piece.iov_base) - entry.row.address;
    if (offset > entry.row.length || piece.iov_len > entry.row.length - offset) [[unlikely]]
      return nullptr;
    if (to_write && !entry.view.writable) [[unlikely]]
      return nullptr;
    entry.used = true;
    return entry.view.first + offset;
  }

  // Whether a file was cut short since the last call: what was moved meanwhile has gone nowhere, or came from nowhere.
  // Everything is unmapped then, and what was not cut is mapped again in its time.
  // Relaxed: raised by the handler on the thread that touched, or under the endpoint's lock before.
  bool lost() noexcept {
    if (!lost_->load(std::memory_order_relaxed)) [[likely]]
      return false;
    start_over();
    return true;
  }

  // Unmaps rows that were closed. Now and then.
  void drop_stale(const ProtectionView& table) noexcept;

  std::size_t count() const noexcept;  // of mapped rows

 private:
  static constexpr std::size_t kEntries = 32;  // one for each row of that number modulo this
  static constexpr std::uint32_t kFirstPatience = 16;
  static constexpr std::uint32_t kLastPatience = 4096;

  struct Entry {
    ProtectedRow row{.number = kMaxRows, .generation = 0, .address = 0, .length = 0};
    std::uint32_t uses_left = 0;  // before it is looked into; 0: it was
    bool used = false;            // since the last drop_stale()
    SharedView view;
  };

  bool take_in(DirectCopy& direct, const ProtectedRow& row, Entry& entry) noexcept;
  bool look_into(DirectCopy& direct, Entry& entry) noexcept;
  static void drop(Entry& entry) noexcept;
  void drop_all() noexcept;
  void start_over() noexcept;

  Entry entries_[kEntries];
  std::shared_ptr<LostFlag> lost_ = std::make_shared<LostFlag>(false);
  std::uint32_t patience_ = kFirstPatience;
};

}  // namespace anchor
