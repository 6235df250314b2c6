// SPDX-License-Identifier: BSD-2-Clause
// Rows of the protection table of a peer on another host, kept here: its table is read once for a region, not once an
// access, and again when the peer says that something has changed (StatusLine::table, in our own memory).
//
// Only regions in memory that we reach by ourselves matter. What is found out about a key is kept also if there is no
// such region. Used under the endpoint's lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "fifo/protection_view.h"

namespace anchor {

class ProtectionCopy {
 public:
  // `table` must outlive the copy.
  explicit ProtectionCopy(ProtectionView& table) noexcept : table_(table) {}
  ProtectionCopy(const ProtectionCopy&) = delete;
  ProtectionCopy& operator=(const ProtectionCopy&) = delete;

  // As ProtectionView::check(), by what the table said when the peer had counted `changes` of it or later.
  int check(const ProtectedAccess& wanted, std::uint64_t changes, ProtectedPieces* pieces) noexcept;

 private:
  static constexpr std::size_t kMostKeys = 4096;  // then all is forgotten, which costs a look for each

  struct Region {
    int error = 0;  // there is none: what ProtectionView::copy() said
    std::uint32_t number = 0;
    std::uint32_t count = 0;
    std::uint32_t told = 0;
    RowCopy rows[kMaxRegionRows] = {};
  };

  const Region& look_up(std::uint64_t key);

  ProtectionView& table_;
  std::uint64_t changes_ = 0;
  std::unordered_map<std::uint64_t, Region> regions_;
};

}  // namespace anchor
