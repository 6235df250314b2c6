// SPDX-License-Identifier: BSD-2-Clause
// The memory that a domain's peers may reach: regions by key, what may be done with them, and the tables in which
// peers find them (fi_mr(3)).
//
// Thread-safe by the registry's own lock, which is held while a region is used: once remove() has returned, nobody is
// at its memory any more through access(). Lock order: Endpoint -> MemoryRegistry; a RegionTable takes neither. A
// region belongs to who registers it, and stays where it is.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "core/work_request.h"

namespace anchor {

class Counter;

enum AccessRight : std::uint32_t {
  kRemoteRead = 1,
  kRemoteWrite = 2,
};

struct MemoryRegion {
  std::uint64_t key = 0;
  std::uint32_t rights = 0;        // AccessRight
  bool virtual_addresses = false;  // peers name a byte by its address in our process, else by its offset
  std::uint32_t segment_count = 0;
  iovec segments[kMaxSegments] = {};
  const void* endpoint = nullptr;  // the only one that lets peers in (FI_MR_ENDPOINT); nullptr: every one
  // Count what peers do. Set under the registry's lock (count_with).
  Counter* read_counter = nullptr;
  Counter* write_counter = nullptr;
  bool enabled = false;

  // What a peer calls the first byte of segment `index`.
  std::uint64_t base(std::uint32_t index) const noexcept;
  // The AccessRights whose use is to be told to us.
  std::uint32_t counted() const noexcept {
    return (read_counter != nullptr ? kRemoteRead : 0u) | (write_counter != nullptr ? kRemoteWrite : 0u);
  }
};

// Where peers of one endpoint look regions up.
class RegionTable {
 public:
  virtual ~RegionTable() = default;
  // -ENOSPC: no room for another one; -ENOMEM.
  virtual int publish(const MemoryRegion& region) noexcept = 0;
  virtual void revoke(const MemoryRegion& region) noexcept = 0;
  // What is counted has changed.
  virtual void update(const MemoryRegion& region) noexcept = 0;
  // Other memory may lie at its addresses now.
  virtual void renew(const MemoryRegion& region) noexcept = 0;
};

// A peer's wish, unchecked.
struct RemoteAccess {
  std::uint64_t key;
  std::uint64_t address;
  std::uint64_t length;
  std::uint32_t rights;
  const void* endpoint;  // through which it comes
};

class MemoryRegistry {
 public:
  MemoryRegistry() = default;
  MemoryRegistry(const MemoryRegistry&) = delete;
  MemoryRegistry& operator=(const MemoryRegistry&) = delete;

  // Reserves region->key, which nobody else can then have. -EEXIST: somebody has. May throw std::bad_alloc.
  int reserve(MemoryRegion* region);
  // Likewise, having chosen a key that is free.
  void reserve_any(MemoryRegion* region);
  // Lets peers in. On failure (RegionTable::publish) nobody is.
  int enable(MemoryRegion* region) noexcept;
  // After it has returned no peer's access is let through any more, and the key is free.
  void remove(MemoryRegion* region) noexcept;
  // Sets the counter for kRemoteRead or kRemoteWrite, or both.
  void count_with(MemoryRegion* region, Counter* counter, std::uint32_t rights) noexcept;

  // What peers found out about its memory, beyond where it lies, holds no more.
  void refresh(const MemoryRegion* region) noexcept;

  // The counter, or the endpoint, is being closed: nothing refers to it any more.
  void forget(const Counter* counter) noexcept;
  void forget_endpoint(const void* endpoint) noexcept;

  // From now on `table` shows all regions that `endpoint` lets peers into. May throw std::bad_alloc.
  // Requires: no other table of that endpoint is attached.
  int attach(RegionTable* table, const void* endpoint);
  // It shows none any more.
  void detach(RegionTable* table) noexcept;

  // Calls use(const MemoryRegion&, const iovec* pieces, std::uint32_t count), which returns a status, with the memory
  // that is meant. Else -EKEYREJECTED: no region has the key; -ERANGE: beyond its end; -EACCES: not allowed.
  template <class Use>
  int access(const RemoteAccess& wanted, Use&& use) noexcept {
    const std::lock_guard guard(mutex_);
    iovec pieces[kMaxSegments];
    std::uint32_t count;
    const MemoryRegion* region;
    if (const int error = locate(wanted, &region, pieces, &count)) return error;
    return use(*region, pieces, count);
  }

  // A peer has used one of `rights` on the region with this key: for the region's counters. It may be closed by now.
  void count(std::uint64_t key, std::uint32_t rights, const void* endpoint) noexcept;

  std::size_t size() const noexcept;

 private:
  struct AttachedTable {
    RegionTable* table;
    const void* endpoint;
  };

  MemoryRegion* find(std::uint64_t key) const noexcept;
  int locate(const RemoteAccess& wanted, const MemoryRegion** region, iovec* pieces,
             std::uint32_t* count) const noexcept;
  static bool shown(const MemoryRegion& region, const void* endpoint) noexcept {
    return region.enabled && (region.endpoint == nullptr || region.endpoint == endpoint);
  }
  template <class Visit>
  void for_each_table(const MemoryRegion& region, Visit&& visit) noexcept {
    for (const AttachedTable& attached : tables_)
      if (shown(region, attached.endpoint)) visit(*attached.table);
  }

  mutable std::mutex mutex_;
  std::unordered_map<std::uint64_t, MemoryRegion*> regions_;
  mutable MemoryRegion* last_found_ = nullptr;  // most look-ups are for the region of the one before
  std::vector<AttachedTable> tables_;
  std::uint64_t last_key_ = 0;
};

}  // namespace anchor
