// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <poll.h>

#include <cerrno>
#include <cstring>

#include "dma/window_region.h"
#include "doorbell_place.h"
#include "window_place.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

bool readable(int fd, int milliseconds) {
  pollfd wanted{fd, POLLIN, 0};
  return ::poll(&wanted, 1, milliseconds) == 1;
}

}  // namespace

Test(window_region, both_sides_see_header_and_blocks) {
  const WindowPlaces places;
  const auto a = places.device(0), b = places.device(1);
  const auto mine = region_on(*a, "mine", 2 * kPageSize);
  cr_assert_not_null(mine.get());
  std::uint64_t offset;
  std::byte* block;
  cr_assert_eq(mine->allocate(3 * kPageSize, &offset, &block), 0);
  cr_assert_geq(offset, 2 * kPageSize);
  const auto theirs = attached_to(*b, "mine");
  cr_assert_not_null(theirs.get());
  cr_assert(theirs->distant());
  Mapping header, part;
  cr_assert_eq(theirs->map(0, 2 * kPageSize, &header), 0);
  cr_assert_eq(theirs->map(offset, 3 * kPageSize, &part), 0);
  std::memset(header.data(), 'h', 2 * kPageSize);
  std::memset(part.data(), 'p', 3 * kPageSize);
  cr_assert(mine->header()[2 * kPageSize - 1] == std::byte{'h'});
  cr_assert(block[3 * kPageSize - 1] == std::byte{'p'});
  cr_assert(theirs->alive());
}

Test(window_region, waking_a_peer_rings_its_host) {
  const WindowPlaces places;
  for (int host = 0; host < 2; ++host)
    places.write_config(host, "hosts = 2\nhost = " + std::to_string(host) + "\ntimeout = 30000\ndoorbell = socket:/\n");
  const auto a = places.device(0), b = places.device(1);
  PlayedServer at_a(a->window(), 0x10000), at_b(b->window(), 0x20000);
  const auto mine = region_on(*a, "mine"), near = region_on(*b, "near");
  const auto theirs = attached_to(*b, "mine"), own = attached_to(*b, "near");
  cr_assert(theirs->doorbell() == theirs.get());
  cr_assert(comes_true([&] { return theirs->wake() == 0 && own->wake() == 0; }));
  cr_assert(comes_true([&] { return at_b.device.rung().size() >= 2; }));
  const std::vector<std::uint32_t> rung = at_b.device.rung();
  cr_assert_eq(rung[rung.size() - 2], 0x10000u);
  cr_assert_eq(rung.back(), 0x20000u, "a process of our own host may have to be rung for as well");
  cr_assert(at_a.device.rung().empty());
  mine->tell_epoch(1);
  cr_assert_eq(theirs->told_epoch() % 2, 1u);
  near->tell_epoch(1);
  cr_assert_eq(own->told_epoch() % 2, 1u);
}

Test(window_region, maps_nothing_else) {
  const WindowPlaces places;
  const LogCapture log;
  const auto a = places.device(0), b = places.device(1);
  const auto mine = region_on(*a, "mine");
  const auto theirs = attached_to(*b, "mine");
  Mapping mapping;
  for (const auto& [offset, bytes] : std::initializer_list<std::pair<std::uint64_t, std::size_t>>{
           {0, 2 * kPageSize},
           {0, 0},
           {0, 100},
           {kPageSize, kPageSize},                       // the partition's directory
           {data_offset(2) - kPageSize, 2 * kPageSize},  // the neighbours
           {data_offset(2) + 1, kPageSize},
           {8 << 20, kPageSize},
           {(8 << 20) - kPageSize, 2 * kPageSize},
           {UINT64_MAX - 4095, kPageSize}})
    cr_assert_eq(theirs->map(offset, bytes, &mapping), -EPROTO, "%zu bytes from %llu", bytes,
                 static_cast<unsigned long long>(offset));
  cr_assert(log.warned_of("none of its own"));
}

Test(window_region, blocks_are_zeroed_and_used_again) {
  const WindowPlaces places;
  const auto a = places.device(0);
  const auto mine = region_on(*a, "mine");
  std::uint64_t offset;
  std::byte* block = nullptr;
  for (int i = 0; i < 5000; ++i) {
    cr_assert_eq(mine->allocate(2 * kPageSize, &offset, &block), 0);
    cr_assert(block[0] == std::byte{0} && block[2 * kPageSize - 1] == std::byte{0});
    std::memset(block, 1, 2 * kPageSize);
    mine->release(offset, 2 * kPageSize);
  }
}

Test(window_region, says_once_that_the_window_is_full) {
  const WindowPlaces places;
  const LogCapture log;
  const auto a = places.device(0);
  const auto mine = region_on(*a, "mine");
  std::uint64_t offset;
  std::byte* block;
  while (mine->allocate(64 * kPageSize, &offset, &block) == 0) continue;
  cr_assert_eq(mine->allocate(64 * kPageSize, &offset, &block), -ENOSPC);
  cr_assert_eq(log.warnings(), 1u);
  cr_assert(log.warned_of("is full: 262144 bytes wanted for anchor://mine"));
}

Test(window_region, what_can_be_done_without_is_no_reason_to_warn) {
  const WindowPlaces places;
  const LogCapture log;
  const auto a = places.device(0);
  const auto mine = region_on(*a, "mine");
  std::uint64_t offset;
  std::byte* block;
  cr_assert_eq(mine->allocate_spare(kPageSize, &offset, &block), 0);
  cr_assert(block[kPageSize - 1] == std::byte{0});
  mine->release(offset, kPageSize);
  while (mine->allocate_spare(64 * kPageSize, &offset, &block) == 0) continue;
  cr_assert_eq(mine->allocate_spare(64 * kPageSize, &offset, &block), -ENOSPC);
  cr_assert_eq(log.warnings(), 0u);
}

Test(window_region, another_life_is_another_region) {
  const WindowPlaces places;
  const auto a = places.device(0), b = places.device(1);
  auto mine = region_on(*a, "mine");
  const auto theirs = attached_to(*b, "mine");
  mine.reset();
  cr_assert_not(theirs->alive());
  Mapping mapping;
  cr_assert_eq(theirs->map(0, kPageSize, &mapping), -ENOENT);
  mine = region_on(*a, "mine");
  cr_assert_not_null(mine.get());
  cr_assert_not(theirs->alive());
  const auto next = attached_to(*b, "mine");
  cr_assert(next->alive());
}

Test(window_region, contact_entries_are_divided_among_hosts) {
  const WindowPlaces places;
  const auto a = places.device(0), b = places.device(1), b2 = places.device(1);
  const auto mine = region_on(*a, "mine");
  const auto one = attached_to(*b, "mine"), other = attached_to(*b2, "mine");
  cr_assert_eq(one->claim_contact(4), -EBUSY, "host 0's own");
  cr_assert_eq(one->claim_contact(5), 0);
  cr_assert_eq(other->claim_contact(5), -EBUSY);
  one->release_contact();
  cr_assert_eq(other->claim_contact(5), 0);
}

// The keeper wakes who sleeps, for what has changed since it looked, and for nothing else.
Test(window_region, a_sleeper_is_woken_by_its_board) {
  const WindowPlaces places;
  const auto a = places.device(0), b = places.device(1);
  const auto mine = region_on(*a, "mine");
  cr_assert_eq(mine->wait_object(), -EOPNOTSUPP, "nothing to look at");
  std::byte* board = mine->header() + 1024;
  auto* epoch = reinterpret_cast<std::atomic<std::uint64_t>*>(mine->header() + 512);
  mine->watch(board, 64, epoch);
  const int fd = mine->wait_object();
  cr_assert_geq(fd, 0);
  const auto theirs = attached_to(*b, "mine");
  Mapping header;
  cr_assert_eq(theirs->map(0, kPageSize, &header), 0);
  auto* bell = reinterpret_cast<std::atomic<std::uint8_t>*>(header.data() + 1024 + 13);
  bell->store(1);
  for (std::uint8_t count = 2; count < 12; ++count) {
    mine->drain_wakes();
    epoch->fetch_add(1);
    cr_assert_not(readable(fd, 5));
    bell->store(count);
    cr_assert(readable(fd, 20000));
    epoch->fetch_add(1);
  }
  mine->drain_wakes();
  cr_assert_not(readable(fd, 5));
  cr_assert_eq(mine->wake(), 0);
  cr_assert(readable(fd, 0));
}

Test(window_region, a_forked_child_gives_nothing_up) {
  const WindowPlaces places;
  const auto a = places.device(0), b = places.device(1);
  auto mine = region_on(*a, "mine");
  auto theirs = attached_to(*b, "mine");
  Child child([&](const Meeting&) {
    mine.reset();
    theirs.reset();
    return 0;
  });
  cr_assert_eq(child.join(), 0);
  cr_assert(theirs->alive());
}
