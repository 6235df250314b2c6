// SPDX-License-Identifier: BSD-2-Clause
// The registry's regions in one endpoint's memory protection table.
//
// Used under the registry's lock. In a child of fork(2), which does not have the table's memory, it does nothing.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "core/memory_region.h"
#include "fifo/protection_table.h"

namespace anchor {

class PublishedRegions final : public RegionTable {
 public:
  PublishedRegions(std::byte* directory, LocalRegion& region) noexcept;

  int publish(const MemoryRegion& region) noexcept override;
  void revoke(const MemoryRegion& region) noexcept override;
  void update(const MemoryRegion& region) noexcept override;
  void renew(const MemoryRegion& region) noexcept override;

  // AccessRights whose use is to be told whatever the region. Needs no lock.
  void tell_always(std::uint32_t rights) noexcept;

 private:
  bool ours() const noexcept;

  ProtectionTable table_;
  const pid_t process_;
  std::unordered_map<const MemoryRegion*, std::uint32_t> first_rows_;
};

}  // namespace anchor
