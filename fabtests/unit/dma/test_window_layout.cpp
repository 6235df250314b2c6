// SPDX-License-Identifier: BSD-2-Clause
// Every offset of FORMAT.md's "The window". If this fails, raise kWindowVersion.
#include <criterion/criterion.h>

#include <cstddef>
#include <cstring>

#include "dma/window_layout.h"

using namespace anchor;

Test(window_layout, header) {
  cr_assert_eq(kWindowVersion, 3u);
  cr_assert_eq(std::memcmp(&kWindowMagic, "ANCHORW1", 8), 0);
  cr_assert_eq(offsetof(PartitionHeader, version), 8u);
  cr_assert_eq(offsetof(PartitionHeader, length), 12u);
  cr_assert_eq(offsetof(PartitionHeader, host), 16u);
  cr_assert_eq(offsetof(PartitionHeader, hosts), 20u);
  cr_assert_eq(offsetof(PartitionHeader, size), 24u);
  cr_assert_eq(offsetof(PartitionHeader, generation), 32u);
  cr_assert_eq(offsetof(PartitionHeader, machine), 40u);
  cr_assert_eq(offsetof(PartitionHeader, beat), 48u);
  cr_assert_eq(sizeof(PartitionHeader), 128u);
}

Test(window_layout, directory) {
  cr_assert_eq(kDirectoryOffset, 4096u);
  cr_assert_eq(kWindowSlots, 256u);
  cr_assert_eq(sizeof(DirectoryEntry), 128u);
  cr_assert_eq(offsetof(DirectoryEntry, header_offset), 8u);
  cr_assert_eq(offsetof(DirectoryEntry, header_size), 16u);
  cr_assert_eq(offsetof(DirectoryEntry, name), 24u);
}

Test(window_layout, doorbell_words) {
  const std::uint64_t word = DoorbellWord::make(0xfffe0001);
  cr_assert_eq(word, 0x1fffe0001u);
  cr_assert(DoorbellWord::is_there(word) && !DoorbellWord::all_ring(word));
  cr_assert_eq(DoorbellWord::kAllRing, 0x200000000u);
  cr_assert(DoorbellWord::is_there(word | DoorbellWord::kAllRing));
  cr_assert_eq(DoorbellWord::ring(word | DoorbellWord::kAllRing), 0xfffe0001u);
  for (const std::uint64_t none : {std::uint64_t{0}, std::uint64_t{7}, DoorbellWord::kAllRing, UINT64_MAX})
    cr_assert_not(DoorbellWord::is_there(none));
}

Test(window_layout, neighbours) {
  cr_assert_eq(kNeighboursOffset, 36864u);
  cr_assert_eq(sizeof(NeighbourPage), 4096u);
  cr_assert_eq(offsetof(NeighbourPage, generation), 8u);
  cr_assert_eq(offsetof(NeighbourPage, held), 16u);
  cr_assert_eq(kHeldWords, 8u);
  cr_assert_eq(offsetof(NeighbourPage, doorbell), 80u);
  cr_assert_eq(offsetof(NeighbourPage, lives), 128u);
  cr_assert_eq(offsetof(NeighbourPage, sleeps), 2176u);
  cr_assert_eq(sizeof(NeighbourPage::sleeps), 1024u);
  cr_assert_eq(data_offset(2), 45056u);
}

Test(window_layout, place_of_memory) {
  const std::uint64_t place = WindowMemoryPlace::pack(511, kMostPartition - 1);
  cr_assert_eq(place, 0x01ff00ffffffffffull);
  cr_assert_eq(WindowMemoryPlace::slot(place), 511u);
  cr_assert_eq(WindowMemoryPlace::offset(place), kMostPartition - 1);
}

// The bar: what is no data takes a percent of the window, even of the smallest.
Test(window_layout, overhead) {
  for (std::size_t hosts = 2; hosts <= kMaxWindowHosts; ++hosts)
    cr_assert_leq(100 * data_offset(hosts), least_partition(hosts), "%zu hosts", hosts);
  cr_assert_eq(least_partition(2), std::uint64_t{5} << 20);
  cr_assert_eq(least_partition(kMaxWindowHosts), std::uint64_t{10} << 20);
}
