// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../fifo/protection_pair.h"
#include "core/counter.h"
#include "proto/region_table.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

struct Published : ProtectionPair {
  PublishedRegions regions{memory.directory(), local};
  char first[10], second[20];

  MemoryRegion both() {
    MemoryRegion region;
    region.key = 5;
    region.rights = kRemoteRead;
    region.segment_count = 2;
    region.segments[0] = {first, sizeof first};
    region.segments[1] = {second, sizeof second};
    return region;
  }
};

}  // namespace

Test(region_table, segments_become_rows) {
  Published published;
  MemoryRegion region = published.both();
  cr_assert_eq(published.regions.publish(region), 0);
  cr_assert_eq(published.check(5, 8, 4), 0);
  cr_assert_eq(published.pieces.count, 2u);
  cr_assert_eq(published.place(0), reinterpret_cast<std::uint64_t>(published.first + 8));
  cr_assert_eq(published.check(5, 0, 1, kMayWrite), -EACCES);
  published.regions.revoke(region);
  cr_assert_eq(published.check(5), -EKEYREJECTED);
  published.regions.revoke(region);
}

Test(region_table, counters_are_told_of) {
  Published published;
  MemoryRegion region = published.both();
  cr_assert_eq(published.regions.publish(region), 0);
  Counter counter;
  region.read_counter = &counter;
  published.regions.update(region);
  cr_assert_eq(published.check(5), 0);
  cr_assert_eq(published.pieces.told, static_cast<std::uint32_t>(kMayRead));
  published.regions.tell_always(kRemoteWrite);
  cr_assert_eq(published.check(5), 0);
  cr_assert_eq(published.pieces.told, 3u);
}

Test(region_table, without_room_nothing_is_published) {
  Published published;
  published.memory.limit = kPageSize;
  MemoryRegion region = published.both();
  cr_assert_eq(published.regions.publish(region), -ENOSPC);
  published.memory.limit = PlainMemory::kSize;
  cr_assert_eq(published.regions.publish(region), 0);
}

Test(region_table, a_child_takes_nothing_back) {
  Published published;
  MemoryRegion region = published.both();
  cr_assert_eq(published.regions.publish(region), 0);
  const pid_t child = fork();
  if (child == 0) {
    published.regions.revoke(region);
    _exit(published.check(5) == 0 ? 0 : 1);
  }
  int status = 0;
  cr_assert_eq(waitpid(child, &status, 0), child);
  cr_assert_eq(status, 0);
}

Test(region_table, each_row_of_a_region_is_renewed) {
  Published published;
  MemoryRegion region = published.both();
  published.regions.renew(region);
  cr_assert_eq(published.regions.publish(region), 0);
  cr_assert_eq(published.check(5, 8, 4), 0);
  const ProtectedPieces before = published.pieces;
  published.regions.renew(region);
  cr_assert_eq(published.check(5, 8, 4), 0);
  for (std::uint32_t i = 0; i < 2; ++i) {
    cr_assert_eq(published.pieces.rows[i].number, before.rows[i].number);
    cr_assert_neq(published.pieces.rows[i].generation, before.rows[i].generation);
  }
}
