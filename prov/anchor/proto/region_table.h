// SPDX-License-Identifier: BSD-2-Clause
// The registry's regions in one endpoint's memory protection table.
//
// Peers on other hosts, which keep copies of rows, are told in their own memory when a row in memory that they reach by
// themselves has come, changed or gone.
//
// Used under the registry's lock, but for follow() and unfollow(), which belong to the endpoint. In a child of fork(2),
// which does not have the table's memory, it does nothing.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "core/memory_region.h"
#include "fifo/channel.h"
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

  // From now on the peer at the other end of a connected channel is told of changes. May throw std::bad_alloc.
  void follow(Channel& channel);
  void unfollow(Channel& channel) noexcept;

 private:
  bool ours() const noexcept;
  ProtectionTerms terms_of(const MemoryRegion& region, std::uint32_t segment) noexcept;
  bool is_placed(std::uint32_t first, std::uint32_t count) const noexcept;
  std::uint64_t changes() noexcept;
  void say_changed() noexcept;

  LocalRegion& region_;
  ProtectionTable table_;
  const pid_t process_;
  std::unordered_map<const MemoryRegion*, std::uint32_t> first_rows_;
  std::mutex followed_;  // for what follows
  std::uint64_t changes_ = 0;
  std::vector<Channel*> followers_;
};

}  // namespace anchor
