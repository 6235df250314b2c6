// SPDX-License-Identifier: BSD-2-Clause
#include "proto/region_table.h"

#include <unistd.h>

#include <cerrno>
#include <new>

namespace anchor {
namespace {

static_assert(kRemoteRead == static_cast<std::uint32_t>(kMayRead));
static_assert(kRemoteWrite == static_cast<std::uint32_t>(kMayWrite));
static_assert(kMaxSegments == kMaxRegionRows);

ProtectionTerms terms_of(const MemoryRegion& region, std::uint32_t segment) noexcept {
  const iovec& memory = region.segments[segment];
  return {.key = region.key,
          .base = region.base(segment),
          .length = memory.iov_len,
          .address = reinterpret_cast<std::uint64_t>(memory.iov_base),
          .rights = region.rights,
          .told = region.counted()};
}

}  // namespace

PublishedRegions::PublishedRegions(std::byte* directory, LocalRegion& region) noexcept
    : table_(directory, region), process_(getpid()) {}

bool PublishedRegions::ours() const noexcept { return getpid() == process_; }

int PublishedRegions::publish(const MemoryRegion& region) noexcept {
  if (!ours()) return 0;
  ProtectionTerms terms[kMaxSegments];
  for (std::uint32_t i = 0; i < region.segment_count; ++i) terms[i] = terms_of(region, i);
  int error = -ENOMEM;
  try {
    const auto [place, made] = first_rows_.try_emplace(&region);
    if (!made) return 0;
    error = table_.add(terms, region.segment_count, &place->second);
  } catch (const std::bad_alloc&) {
  }
  if (error != 0) first_rows_.erase(&region);
  return error;
}

void PublishedRegions::revoke(const MemoryRegion& region) noexcept {
  const auto found = first_rows_.find(&region);
  if (!ours() || found == first_rows_.end()) return;
  table_.remove(found->second, region.segment_count);
  first_rows_.erase(found);
}

void PublishedRegions::update(const MemoryRegion& region) noexcept {
  const auto found = first_rows_.find(&region);
  if (ours() && found != first_rows_.end()) table_.tell(found->second, region.segment_count, region.counted());
}

void PublishedRegions::renew(const MemoryRegion& region) noexcept {
  const auto found = first_rows_.find(&region);
  if (ours() && found != first_rows_.end()) table_.renew(found->second, region.segment_count);
}

void PublishedRegions::tell_always(std::uint32_t rights) noexcept {
  if (ours()) table_.tell_always(rights);
}

}  // namespace anchor
