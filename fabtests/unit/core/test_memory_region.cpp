// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <cerrno>
#include <vector>

#include "core/counter.h"
#include "core/memory_region.h"

using namespace anchor;

namespace {

struct Listing final : RegionTable {
  int publish(const MemoryRegion& region) noexcept override {
    if (keys.size() == room) return -ENOSPC;
    keys.push_back(region.key);
    return 0;
  }
  void revoke(const MemoryRegion& region) noexcept override { std::erase(keys, region.key); }
  void update(const MemoryRegion& region) noexcept override { told = region.counted(); }
  void renew(const MemoryRegion& region) noexcept override { renewed.push_back(region.key); }

  std::vector<std::uint64_t> keys;
  std::size_t room = SIZE_MAX;
  std::uint32_t told = 0;
  std::vector<std::uint64_t> renewed;
};

MemoryRegion region_of(std::uint64_t key, void* memory, std::size_t length,
                       std::uint32_t rights = kRemoteRead | kRemoteWrite) {
  MemoryRegion region;
  region.key = key;
  region.rights = rights;
  region.segment_count = 1;
  region.segments[0] = {memory, length};
  return region;
}

struct Found {
  int error;
  std::vector<iovec> pieces;
};

Found access(MemoryRegistry& registry, const RemoteAccess& wanted) {
  Found found{};
  found.error = registry.access(wanted, [&](const MemoryRegion&, const iovec* pieces, std::uint32_t count) {
    found.pieces.assign(pieces, pieces + count);
    return 0;
  });
  return found;
}

}  // namespace

Test(memory_region, what_was_replaced_is_told_where_it_is_shown) {
  MemoryRegistry registry;
  Listing listing;
  cr_assert_eq(registry.attach(&listing, &listing), 0);
  MemoryRegion shown = region_of(1, nullptr, 10), hidden = region_of(2, nullptr, 10);
  cr_assert_eq(registry.reserve(&shown), 0);
  cr_assert_eq(registry.reserve(&hidden), 0);
  cr_assert_eq(registry.enable(&shown), 0);
  registry.refresh(&shown);
  registry.refresh(&hidden);
  cr_assert(listing.renewed == std::vector<std::uint64_t>{1});
  registry.detach(&listing);
}

Test(memory_region, a_key_belongs_to_one) {
  MemoryRegistry registry;
  MemoryRegion first = region_of(5, nullptr, 10), second = region_of(5, nullptr, 10);
  cr_assert_eq(registry.reserve(&first), 0);
  cr_assert_eq(registry.reserve(&second), -EEXIST);
  registry.remove(&second);
  cr_assert_eq(registry.size(), 1u, "who has no key takes none away");
  registry.remove(&first);
  cr_assert_eq(registry.reserve(&second), 0);
  registry.remove(&second);
}

Test(memory_region, chosen_keys_are_free_and_small) {
  MemoryRegistry registry;
  MemoryRegion taken = region_of(2, nullptr, 10), first, second;
  cr_assert_eq(registry.reserve(&taken), 0);
  registry.reserve_any(&first);
  registry.reserve_any(&second);
  cr_assert_eq(first.key, 1u);
  cr_assert_eq(second.key, 3u);
}

Test(memory_region, only_enabled_ones_let_anybody_in) {
  MemoryRegistry registry;
  char bytes[10];
  MemoryRegion region = region_of(5, bytes, sizeof bytes);
  cr_assert_eq(registry.reserve(&region), 0);
  cr_assert_eq(access(registry, {5, 0, 1, kRemoteRead, nullptr}).error, -EKEYREJECTED);
  cr_assert_eq(registry.enable(&region), 0);
  const Found found = access(registry, {5, 3, 7, kRemoteRead, nullptr});
  cr_assert_eq(found.error, 0);
  cr_assert_eq(found.pieces.size(), 1u);
  cr_assert_eq(found.pieces[0].iov_base, bytes + 3);
  registry.remove(&region);
  cr_assert_eq(access(registry, {5, 0, 1, kRemoteRead, nullptr}).error, -EKEYREJECTED);
}

Test(memory_region, key_range_and_rights_are_checked) {
  MemoryRegistry registry;
  char bytes[10];
  MemoryRegion region = region_of(5, bytes, sizeof bytes, kRemoteRead);
  cr_assert_eq(registry.reserve(&region), 0);
  cr_assert_eq(registry.enable(&region), 0);
  cr_assert_eq(access(registry, {6, 0, 1, kRemoteRead, nullptr}).error, -EKEYREJECTED);
  cr_assert_eq(access(registry, {5, 0, 1, kRemoteWrite, nullptr}).error, -EACCES);
  cr_assert_eq(access(registry, {5, 0, 11, kRemoteRead, nullptr}).error, -ERANGE);
  cr_assert_eq(access(registry, {5, 10, 1, kRemoteRead, nullptr}).error, -ERANGE);
  cr_assert_eq(access(registry, {5, 10, 0, kRemoteRead, nullptr}).error, 0);
  cr_assert_eq(access(registry, {5, 5, ~0ull, kRemoteRead, nullptr}).error, -ERANGE);
  cr_assert_eq(access(registry, {5, ~0ull, 2, kRemoteRead, nullptr}).error, -ERANGE);
  registry.remove(&region);
}

Test(memory_region, addresses_or_offsets) {
  MemoryRegistry registry;
  char first[10], second[20];
  for (const bool virtual_addresses : {false, true}) {
    MemoryRegion region = region_of(5, first, sizeof first);
    region.virtual_addresses = virtual_addresses;
    region.segment_count = 2;
    region.segments[1] = {second, sizeof second};
    cr_assert_eq(registry.reserve(&region), 0);
    cr_assert_eq(registry.enable(&region), 0);
    if (virtual_addresses) {
      const auto address = reinterpret_cast<std::uint64_t>(second + 4);
      cr_assert_eq(access(registry, {5, address, 16, kRemoteWrite, nullptr}).pieces[0].iov_base, second + 4);
      cr_assert_eq(access(registry, {5, 4, 1, kRemoteWrite, nullptr}).error, -ERANGE);
    } else {
      const Found found = access(registry, {5, 4, 10, kRemoteWrite, nullptr});
      cr_assert_eq(found.pieces.size(), 2u);
      cr_assert_eq(found.pieces[0].iov_len, 6u);
      cr_assert_eq(found.pieces[1].iov_base, second);
    }
    registry.remove(&region);
  }
}

Test(memory_region, tables_show_what_their_endpoint_lets_in) {
  MemoryRegistry registry;
  const char one = 0, other = 0;
  Listing early, late;
  cr_assert_eq(registry.attach(&early, &one), 0);
  MemoryRegion everybodys = region_of(1, nullptr, 10), others = region_of(2, nullptr, 10);
  others.endpoint = &other;
  for (MemoryRegion* region : {&everybodys, &others}) {
    cr_assert_eq(registry.reserve(region), 0);
    cr_assert_eq(registry.enable(region), 0);
  }
  cr_assert_eq(registry.attach(&late, &other), 0);
  cr_assert(early.keys == std::vector<std::uint64_t>{1});
  cr_assert_eq(late.keys.size(), 2u);
  cr_assert_eq(access(registry, {2, 0, 0, kRemoteRead, &one}).error, -EKEYREJECTED);
  cr_assert_eq(access(registry, {2, 0, 0, kRemoteRead, &other}).error, 0);
  registry.remove(&everybodys);
  cr_assert(early.keys.empty());
  registry.forget_endpoint(&other);
  cr_assert_eq(access(registry, {2, 0, 0, kRemoteRead, &other}).error, -EKEYREJECTED);
  registry.detach(&early);
  registry.remove(&others);
}

Test(memory_region, a_table_that_is_detached_shows_nothing) {
  MemoryRegistry registry;
  Listing table;
  cr_assert_eq(registry.attach(&table, nullptr), 0);
  MemoryRegion region = region_of(1, nullptr, 10);
  cr_assert_eq(registry.reserve(&region), 0);
  cr_assert_eq(registry.enable(&region), 0);
  registry.detach(&table);
  cr_assert(table.keys.empty());
  registry.remove(&region);
}

Test(memory_region, without_room_in_one_table_nobody_is_let_in) {
  MemoryRegistry registry;
  const char one = 0, other = 0;
  Listing roomy, full;
  full.room = 0;
  cr_assert_eq(registry.attach(&roomy, &one), 0);
  cr_assert_eq(registry.attach(&full, &other), 0);
  MemoryRegion region = region_of(1, nullptr, 10);
  cr_assert_eq(registry.reserve(&region), 0);
  cr_assert_eq(registry.enable(&region), -ENOSPC);
  cr_assert(roomy.keys.empty());
  cr_assert_eq(access(registry, {1, 0, 0, kRemoteRead, &one}).error, -EKEYREJECTED);
  registry.remove(&region);
}

Test(memory_region, counters_come_and_go) {
  MemoryRegistry registry;
  Listing table;
  cr_assert_eq(registry.attach(&table, nullptr), 0);
  MemoryRegion region = region_of(1, nullptr, 10);
  cr_assert_eq(registry.reserve(&region), 0);
  cr_assert_eq(registry.enable(&region), 0);
  Counter reads, writes;
  registry.count_with(&region, &reads, kRemoteRead);
  registry.count_with(&region, &writes, kRemoteWrite);
  cr_assert_eq(table.told, 3u);
  registry.forget(&reads);
  cr_assert_eq(table.told, static_cast<std::uint32_t>(kRemoteWrite));
  cr_assert_eq(region.write_counter, &writes);
  registry.remove(&region);
}
