// SPDX-License-Identifier: BSD-2-Clause
#include "core/memory_region.h"

#include <algorithm>
#include <cerrno>

#include "core/counter.h"

namespace anchor {
namespace {

// In place of an endpoint that was closed: another one may get its address.
constexpr char kNobody = 0;

}  // namespace

std::uint64_t MemoryRegion::base(std::uint32_t index) const noexcept {
  if (virtual_addresses) return reinterpret_cast<std::uint64_t>(segments[index].iov_base);
  std::uint64_t offset = 0;
  for (std::uint32_t i = 0; i < index; ++i) offset += segments[i].iov_len;
  return offset;
}

int MemoryRegistry::reserve(MemoryRegion* region) {
  const std::lock_guard guard(mutex_);
  return regions_.emplace(region->key, region).second ? 0 : -EEXIST;
}

// Small numbers: an application may have few bytes to keep a key in.
void MemoryRegistry::reserve_any(MemoryRegion* region) {
  const std::lock_guard guard(mutex_);
  do {
    region->key = ++last_key_;
  } while (!regions_.emplace(region->key, region).second);
}

int MemoryRegistry::enable(MemoryRegion* region) noexcept {
  const std::lock_guard guard(mutex_);
  if (region->enabled) return 0;
  region->enabled = true;
  int error = 0;
  for_each_table(*region, [&](RegionTable& table) {
    if (error == 0) error = table.publish(*region);
  });
  if (error == 0) return 0;
  for_each_table(*region, [&](RegionTable& table) { table.revoke(*region); });
  region->enabled = false;
  return error;
}

void MemoryRegistry::remove(MemoryRegion* region) noexcept {
  const std::lock_guard guard(mutex_);
  for_each_table(*region, [&](RegionTable& table) { table.revoke(*region); });
  region->enabled = false;
  if (last_found_ == region) last_found_ = nullptr;
  const auto found = regions_.find(region->key);
  if (found != regions_.end() && found->second == region) regions_.erase(found);
}

void MemoryRegistry::count_with(MemoryRegion* region, Counter* counter, std::uint32_t rights) noexcept {
  const std::lock_guard guard(mutex_);
  if (rights & kRemoteRead) region->read_counter = counter;
  if (rights & kRemoteWrite) region->write_counter = counter;
  for_each_table(*region, [&](RegionTable& table) { table.update(*region); });
}

void MemoryRegistry::refresh(const MemoryRegion* region) noexcept {
  const std::lock_guard guard(mutex_);
  for_each_table(*region, [&](RegionTable& table) { table.renew(*region); });
}

void MemoryRegistry::forget(const Counter* counter) noexcept {
  const std::lock_guard guard(mutex_);
  for (const auto& [key, found] : regions_) {
    MemoryRegion& region = *found;
    if (region.read_counter == counter) region.read_counter = nullptr;
    if (region.write_counter == counter) region.write_counter = nullptr;
    for_each_table(region, [&](RegionTable& table) { table.update(region); });
  }
}

void MemoryRegistry::forget_endpoint(const void* endpoint) noexcept {
  const std::lock_guard guard(mutex_);
  for (const auto& [key, region] : regions_)
    if (region->endpoint == endpoint) region->endpoint = &kNobody;
}

int MemoryRegistry::attach(RegionTable* table, const void* endpoint) {
  const std::lock_guard guard(mutex_);
  tables_.push_back({table, endpoint});
  for (const auto& [key, region] : regions_) {
    if (!shown(*region, endpoint)) continue;
    if (const int error = table->publish(*region)) {
      tables_.pop_back();
      return error;
    }
  }
  return 0;
}

void MemoryRegistry::detach(RegionTable* table) noexcept {
  const std::lock_guard guard(mutex_);
  // A peer that has the table mapped goes on seeing what it says.
  for (const auto& [key, region] : regions_) table->revoke(*region);
  std::erase_if(tables_, [table](const AttachedTable& attached) { return attached.table == table; });
}

MemoryRegion* MemoryRegistry::find(std::uint64_t key) const noexcept {
  if (last_found_ != nullptr && last_found_->key == key) [[likely]]
    return last_found_;
  const auto found = regions_.find(key);
  if (found == regions_.end()) return nullptr;
  return last_found_ = found->second;
}

// Offsets count through all segments, so a piece may go on in the next one; addresses mean one segment each, unless the
// next begins where it ends.
int MemoryRegistry::locate(const RemoteAccess& wanted, const MemoryRegion** region, iovec* pieces,
                           std::uint32_t* count) const noexcept {
  const MemoryRegion* found = find(wanted.key);
  if (found == nullptr || !shown(*found, wanted.endpoint)) return -EKEYREJECTED;
  *region = found;
  if ((wanted.rights & ~found->rights) != 0) return -EACCES;
  std::uint64_t address = wanted.address;
  std::uint64_t left = wanted.length;
  *count = 0;
  for (std::uint32_t i = 0; i < found->segment_count; ++i) {
    const iovec& segment = found->segments[i];
    const std::uint64_t begin = address - found->base(i);  // wraps round below the segment's first byte
    if (begin > segment.iov_len || (begin == segment.iov_len && left != 0)) continue;
    const std::uint64_t length = std::min<std::uint64_t>(left, segment.iov_len - begin);
    // Not by pointer: a region of all memory begins at none.
    const auto place = reinterpret_cast<std::uintptr_t>(segment.iov_base) + begin;
    pieces[(*count)++] = {reinterpret_cast<void*>(place), length};
    address += length;
    left -= length;
    if (left == 0) return 0;
  }
  return -ERANGE;
}

void MemoryRegistry::count(std::uint64_t key, std::uint32_t rights, const void* endpoint) noexcept {
  const std::lock_guard guard(mutex_);
  const MemoryRegion* found = find(key);
  if (found == nullptr || !shown(*found, endpoint)) return;
  const MemoryRegion& region = *found;
  if ((rights & kRemoteRead) && region.read_counter != nullptr) region.read_counter->add();
  if ((rights & kRemoteWrite) && region.write_counter != nullptr) region.write_counter->add();
}

std::size_t MemoryRegistry::size() const noexcept {
  const std::lock_guard guard(mutex_);
  return regions_.size();
}

}  // namespace anchor
