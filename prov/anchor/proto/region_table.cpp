// SPDX-License-Identifier: BSD-2-Clause
#include "proto/region_table.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>

namespace anchor {
namespace {

static_assert(kRemoteRead == static_cast<std::uint32_t>(kMayRead));
static_assert(kRemoteWrite == static_cast<std::uint32_t>(kMayWrite));
static_assert(kMaxSegments == kMaxRegionRows);

}  // namespace

PublishedRegions::PublishedRegions(std::byte* directory, LocalRegion& region) noexcept
    : region_(region), table_(directory, region), process_(getpid()) {}

ProtectionTerms PublishedRegions::terms_of(const MemoryRegion& region, std::uint32_t segment) noexcept {
  const iovec& memory = region.segments[segment];
  return {.key = region.key,
          .base = region.base(segment),
          .length = memory.iov_len,
          .address = reinterpret_cast<std::uint64_t>(memory.iov_base),
          .rights = region.rights,
          .told = region.counted(),
          .place = region_.place_of(memory.iov_base, memory.iov_len)};
}

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
  const auto placed = [](const ProtectionTerms& row) { return row.place != 0; };
  if (error == 0 && std::any_of(terms, terms + region.segment_count, placed)) say_changed();
  return error;
}

bool PublishedRegions::is_placed(std::uint32_t first, std::uint32_t count) const noexcept {
  for (std::uint32_t i = 0; i < count; ++i)
    if (table_.place(first + i) != 0) return true;
  return false;
}

std::uint64_t PublishedRegions::changes() noexcept {
  const std::lock_guard guard(followed_);
  return changes_;
}

void PublishedRegions::say_changed() noexcept {
  const std::lock_guard guard(followed_);
  ++changes_;
  for (Channel* channel : followers_) channel->tell_table_changes(changes_);
}

void PublishedRegions::follow(Channel& channel) {
  const std::lock_guard guard(followed_);
  followers_.push_back(&channel);
  if (changes_ != 0) channel.tell_table_changes(changes_);
}

void PublishedRegions::unfollow(Channel& channel) noexcept {
  const std::lock_guard guard(followed_);
  std::erase(followers_, &channel);
}

void PublishedRegions::revoke(const MemoryRegion& region) noexcept {
  const auto found = first_rows_.find(&region);
  if (!ours() || found == first_rows_.end()) return;
  const bool placed = is_placed(found->second, region.segment_count);
  table_.remove(found->second, region.segment_count);
  if (placed) say_changed();
  first_rows_.erase(found);
}

void PublishedRegions::update(const MemoryRegion& region) noexcept {
  const auto found = first_rows_.find(&region);
  if (!ours() || found == first_rows_.end()) return;
  table_.tell(found->second, region.segment_count, region.counted());
  if (is_placed(found->second, region.segment_count)) say_changed();
}

void PublishedRegions::renew(const MemoryRegion& region) noexcept {
  const auto found = first_rows_.find(&region);
  if (!ours() || found == first_rows_.end()) return;
  table_.renew(found->second, region.segment_count);
  if (is_placed(found->second, region.segment_count)) say_changed();
}

void PublishedRegions::tell_always(std::uint32_t rights) noexcept {
  if (!ours()) return;
  table_.tell_always(rights);
  if (changes() != 0) say_changed();
}

}  // namespace anchor
