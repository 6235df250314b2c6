// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "dma/device_memory.h"
#include "dma/window_memory.h"
#include "dma/window_region.h"
#include "window_place.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr std::size_t kAll = 6 << 20;  // of the 8 MiB of a partition: no other one finds as much beside it

std::byte* allocated(WindowDevice& device, std::size_t bytes) {
  std::byte* address = nullptr;
  return device.for_applications()->allocate(bytes, &address) == 0 ? address : nullptr;
}

}  // namespace

Test(window_memory, is_zeroed_and_given_back) {
  const WindowPlaces places;
  const auto device = places.device(0);
  DeviceMemory& memory = *device->for_applications();
  const std::uint64_t before = memory.room().free_bytes;
  std::byte* const bytes = allocated(*device, kPageSize + 1);
  cr_assert_not_null(bytes);
  cr_assert(std::all_of(bytes, bytes + 2 * kPageSize, [](std::byte byte) { return byte == std::byte{0}; }));
  cr_assert_eq(memory.room().allocated, 2 * kPageSize);
  cr_assert_eq(memory.room().free_bytes, before - 2 * kPageSize);
  std::byte* start;
  std::size_t length;
  cr_assert_eq(memory.find(bytes + 2 * kPageSize - 1, &start, &length), 0);
  cr_assert(start == bytes && length == 2 * kPageSize);
  cr_assert_eq(memory.find(bytes + 2 * kPageSize, &start, &length), -ENOENT);
  cr_assert_eq(memory.find(&length, &start, &length), -ENOENT);
  cr_assert_eq(memory.free(bytes + 1), -EINVAL);
  cr_assert_eq(memory.free(nullptr), -EINVAL);
  cr_assert_eq(memory.free(bytes), 0);
  cr_assert_eq(memory.free(bytes), -EINVAL);
  cr_assert_eq(memory.room().free_bytes, before);
  cr_assert_eq(memory.room().allocated, 0u);
}

Test(window_memory, says_how_much_is_free) {
  const WindowPlaces places;
  const LogCapture log;
  const auto device = places.device(0);
  std::byte* address;
  cr_assert_eq(device->for_applications()->allocate(0, &address), -EINVAL);
  cr_assert_eq(device->for_applications()->allocate(SIZE_MAX, &address), -EINVAL);
  cr_assert_eq(device->for_applications()->allocate(std::size_t{1} << 40, &address), -ENOSPC);
  cr_assert(log.warned_of("is full: 1099511627776 bytes wanted for an application, 8343552 of host 0's 8388608"));
}

Test(window_memory, place_is_of_one_allocation) {
  const WindowPlaces places;
  const auto device = places.device(0);
  const auto mine = region_on(*device, "mine");
  std::byte* const one = allocated(*device, 2 * kPageSize);
  std::byte* const two = allocated(*device, kPageSize);
  const std::uint64_t place = mine->place_of(one, 2 * kPageSize);
  cr_assert_eq(WindowMemoryPlace::slot(place), kWindowSlots);
  cr_assert_eq(mine->place_of(one + 100, 5), place + 100);
  cr_assert_neq(mine->place_of(two, kPageSize), 0u);
  cr_assert_eq(mine->place_of(one, 2 * kPageSize + 1), 0u);
  cr_assert_eq(mine->place_of(one, 0), 0u);
  cr_assert_eq(mine->place_of(one - 1, 2), 0u);
  cr_assert_eq(mine->place_of(&place, sizeof place), 0u);
  cr_assert_eq(mine->place_of(nullptr, SIZE_MAX), 0u);
}

// What peers were told of is this domain's until it is closed.
Test(window_memory, what_was_shown_is_kept_and_used_again) {
  const WindowPlaces places;
  const auto device = places.device(0), other = places.device(0);
  const auto mine = region_on(*device, "mine");
  std::byte* const big = allocated(*device, kAll);
  cr_assert_neq(mine->place_of(big, kAll), 0u);
  cr_assert_eq(device->for_applications()->free(big), 0);
  const LogCapture log;
  cr_assert_null(allocated(*other, kAll));
  std::byte* parts[4];
  for (std::byte*& part : parts) {
    part = allocated(*device, kAll / 4);
    cr_assert(part >= big && part + kAll / 4 <= big + kAll);
    std::memset(part, 1, kAll / 4);
  }
  for (const unsigned i : {1u, 3u, 0u, 2u}) cr_assert_eq(device->for_applications()->free(parts[i]), 0);
  std::byte* const again = allocated(*device, kAll);
  cr_assert(again == big, "they are in one piece again");
  cr_assert(again[0] == std::byte{0} && again[kAll - 1] == std::byte{0});
}

Test(window_memory, a_peer_reaches_it_and_nothing_else) {
  const WindowPlaces places;
  const auto a = places.device(0), b = places.device(1);
  const auto mine = region_on(*a, "mine");
  std::byte* const bytes = allocated(*a, kPageSize);
  const std::uint64_t place = mine->place_of(bytes, kPageSize);
  const auto theirs = attached_to(*b, "mine");
  std::byte* const there = theirs->placed(place, 8, kPageSize - 8);
  cr_assert_not_null(there);
  there[0] = std::byte{7};
  cr_assert(bytes[8] == std::byte{7});
  const std::uint64_t size = 8 << 20;
  const auto lies_at = [](std::uint64_t offset) { return WindowMemoryPlace::pack(kWindowSlots, offset); };
  cr_assert_not_null(theirs->placed(lies_at(size - 1), 0, 1));
  cr_assert_null(theirs->placed(lies_at(size), 0, 1));
  cr_assert_null(theirs->placed(lies_at(size - 1), 1, 1));
  cr_assert_null(theirs->placed(lies_at(size - 1), UINT64_MAX, 1));
  cr_assert_null(theirs->placed(lies_at(size - 1), 0, UINT64_MAX));
  cr_assert_null(theirs->placed(lies_at(data_offset(2) - 1), 0, 1));
  cr_assert_null(theirs->placed(lies_at(WindowMemoryPlace::offset(UINT64_MAX)), 0, 1));
  for (const std::uint32_t slot : {0u, kWindowSlots - 1, kWindowSlots + 1, kOwningSlots, 65535u})
    cr_assert_null(theirs->placed(WindowMemoryPlace::pack(slot, data_offset(2)), 0, 1), "slot %u", slot);
}

Test(window_memory, is_nobody_elses_while_a_peer_may_store_there) {
  const WindowPlaces places;
  const LogCapture log;
  auto a = places.device(0);
  const auto b = places.device(1), other = places.device(0);
  auto mine = region_on(*a, "mine");
  std::byte* const bytes = allocated(*a, kAll);
  auto theirs = attached_to(*b, "mine");
  cr_assert_not_null(theirs->placed(mine->place_of(bytes, kAll), 0, kAll));
  mine.reset();
  a.reset();
  const auto keeps_host_0 = region_on(*other, "other"), keeps_host_1 = region_on(*b, "another");
  cr_assert_null(allocated(*other, kAll));
  cr_assert_null(theirs->placed(WindowMemoryPlace::pack(kWindowSlots + 1, data_offset(2)), 0, 1));
  theirs.reset();
  cr_assert(comes_true([&] { return allocated(*other, kAll) != nullptr; }));
}

Test(window_memory, the_dead_give_it_back) {
  const WindowPlaces places;
  Child owner([&places](const Meeting& meeting) {
    const auto device = places.device(0);
    if (allocated(*device, kAll) == nullptr) return 1;
    meeting.tell();
    meeting.await();
    return 0;
  });
  cr_assert(owner.await());
  const LogCapture log;
  const auto device = places.device(0);
  const auto mine = region_on(*device, "mine");
  cr_assert_null(allocated(*device, kAll));
  owner.kill();
  cr_assert(comes_true([&] { return allocated(*device, kAll) != nullptr; }));
}
