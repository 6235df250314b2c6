// SPDX-License-Identifier: BSD-2-Clause
#include "fifo/protection_copy.h"

#include <cerrno>
#include <new>

namespace anchor {

const ProtectionCopy::Region& ProtectionCopy::look_up(std::uint64_t key) {
  const auto known = regions_.find(key);
  if (known != regions_.end()) [[likely]]
    return known->second;
  if (regions_.size() == kMostKeys) regions_.clear();
  Region& region = regions_[key];
  region.error = table_.copy(key, &region.number, region.rows, &region.count, &region.told);
  return region;
}

int ProtectionCopy::check(const ProtectedAccess& wanted, std::uint64_t changes, ProtectedPieces* pieces) noexcept try {
  if (changes != changes_) [[unlikely]] {
    regions_.clear();
    changes_ = changes;
  }
  const Region& region = look_up(wanted.key);
  if (region.error != 0) return region.error;
  pieces->told = RowTerms::told(region.rows[0].terms) | region.told;
  const auto next = [&](std::uint32_t i, RowCopy* copy) {
    if (i >= region.count) return false;
    *copy = region.rows[i];
    return true;
  };
  return cut_pieces(wanted, region.number, region.rows[0], next, pieces);
} catch (const std::bad_alloc&) {
  return -ENOMEM;
}

}  // namespace anchor
