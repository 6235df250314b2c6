// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <algorithm>
#include <vector>

#include "../dma/simulated_pair.h"
#include "fifo/notification.h"
#include "fifo_pair.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

using Indexes = std::vector<std::uint32_t>;

struct Board {
  Bell bell(std::uint32_t index) { return Bell(bytes.get() + index); }
  Indexes scan() {
    Indexes found;
    board.scan([&](std::uint32_t index) { found.push_back(index); });
    return found;
  }

  std::unique_ptr<std::byte[], FreeMemory> bytes = zeroed(kPageSize);
  NotificationBoard board{bytes.get(), 256};
};

}  // namespace

Test(notification, a_ring_is_found_once) {
  Board board;
  cr_assert(board.scan().empty());
  Bell bell = board.bell(5);
  bell.ring();
  cr_assert(board.scan() == Indexes{5});
  cr_assert(board.scan().empty());
  bell.ring();
  bell.ring();
  cr_assert(board.scan() == Indexes{5});
}

Test(notification, neighbours_do_not_disturb_each_other) {
  Board board;
  for (std::uint32_t index = 0; index < 64; index += 3) board.bell(index).ring();
  Indexes expected;
  for (std::uint32_t index = 0; index < 64; index += 3) expected.push_back(index);
  cr_assert(board.scan() == expected);
  board.bell(8).ring();
  board.bell(63).ring();
  cr_assert(board.scan() == (Indexes{8, 63}));
}

Test(notification, a_count_that_comes_round_is_a_ring) {
  Board board;
  Bell bell = board.bell(9);
  for (unsigned i = 0; i < 1000; ++i) {
    bell.ring();
    cr_assert(board.scan() == Indexes{9});
  }
}

Test(notification, the_next_writer_of_a_place_goes_on_counting) {
  Board board;
  for (unsigned i = 0; i < 300; ++i) {
    board.bell(17).ring();
    cr_assert(board.scan() == Indexes{17});
  }
}

Test(notification, lines_are_looked_at_in_turn_once_they_are_used) {
  Board board;
  board.bell(200).ring();
  for (unsigned i = 0; i < 8; ++i) cr_assert(board.scan().empty(), "nobody asked for that line");
  board.board.use(200);
  board.board.use(64);
  board.bell(0).ring();
  board.bell(64).ring();
  Indexes found;
  for (unsigned i = 0; i < 4; ++i) {
    const Indexes line = board.scan();
    cr_assert_leq(line.size(), 1u);
    found.insert(found.end(), line.begin(), line.end());
  }
  std::sort(found.begin(), found.end());
  cr_assert(found == (Indexes{0, 64, 200}));
}

Test(notification, a_bell_without_a_place_is_silent) { Bell().ring(); }

namespace {

struct CountedSleeper final : Sleeper {
  int wake() noexcept override {
    ++wakes;
    return result;
  }
  std::uint64_t told_epoch() noexcept override { return told; }
  unsigned wakes = 0;
  int result = 0;
  std::uint64_t told = 0;
};

struct SleepingBoard : Board {
  Bell bell{bytes.get(), &line, &owner};
  SleepLine line{};
  CountedSleeper owner;
};

}  // namespace

Test(notification, who_is_awake_is_not_woken) {
  SleepingBoard board;
  board.bell.ring();
  board.line.epoch.store(2);
  board.bell.ring();
  cr_assert_eq(board.owner.wakes, 0u);
  cr_assert(board.scan() == Indexes{0});
}

Test(notification, a_sleeper_is_woken_once_an_epoch) {
  SleepingBoard board;
  board.line.epoch.store(1);
  for (int i = 0; i < 5; ++i) board.bell.ring();
  cr_assert_eq(board.owner.wakes, 1u);
  board.line.epoch.store(3);
  for (int i = 0; i < 5; ++i) board.bell.ring();
  cr_assert_eq(board.owner.wakes, 2u);
}

Test(notification, a_sleeper_that_was_not_reached_is_tried_again) {
  SleepingBoard board;
  board.line.epoch.store(1);
  board.owner.result = -EMFILE;
  board.bell.ring();
  board.owner.result = 0;
  board.bell.ring();
  board.bell.ring();
  cr_assert_eq(board.owner.wakes, 2u);
}

// Whose sleep line is out of our reach.
Test(notification, a_distant_sleeper_is_woken_by_what_it_has_told) {
  Board board;
  CountedSleeper owner;
  Bell bell(board.bytes.get(), MemoryType::kCoherent, &owner);
  bell.ring();
  cr_assert_eq(owner.wakes, 0u);
  for (const std::uint64_t sleep : {7u, 9u, 3u}) {
    owner.told = sleep;
    for (int i = 0; i < 5; ++i) bell.ring();
    ++owner.told;
    bell.ring();
  }
  cr_assert_eq(owner.wakes, 3u);
  cr_assert(board.scan() == Indexes{0}, "the board is rung, too");
  owner.told = 11;
  owner.result = -EOPNOTSUPP;
  bell.ring();
  owner.result = 0;
  bell.ring();
  cr_assert_eq(owner.wakes, 5u);
}

Test(notification, all_lines_are_heard_at_once) {
  Board board;
  board.board.use(200);
  board.bell(3).ring();
  board.bell(200).ring();
  Indexes found;
  board.board.scan_all([&](std::uint32_t index) { found.push_back(index); });
  cr_assert(found == Indexes({3, 200}));
}

// A line for each, where two writers may not share one: over two hosts' caches of one memory.
Test(notification, bells_of_a_spread_board_ring_across_caches) {
  SimulatedPair pair;
  constexpr std::uint32_t kCount = 256;
  NotificationBoard board(pair.at(0), kCount, MemoryType::kSimulated);
  board.use(kCount - 1);
  const auto scan = [&] {
    Indexes found;
    board.scan_all([&](std::uint32_t index) { found.push_back(index); });
    return found;
  };
  const auto bell = [&](std::uint32_t index) { return Bell(pair.at(1, index * kCacheLine), MemoryType::kSimulated); };
  cr_assert(scan().empty());
  Bell first = bell(0), last = bell(kCount - 1);
  for (int round = 0; round < 300; ++round) {
    first.ring();
    cr_assert(scan() == Indexes{0});
    last.ring();
    first.ring();
    cr_assert(scan() == (Indexes{0, kCount - 1}));
  }
  Bell again = bell(0);  // goes on from the count that is there
  again.ring();
  cr_assert(scan() == Indexes{0});
}

Test(notification, a_spread_board_is_looked_at_in_turn) {
  SimulatedPair pair;
  NotificationBoard board(pair.at(0), 256, MemoryType::kSimulated);
  board.use(100);
  Bell(pair.at(1, 100 * kCacheLine), MemoryType::kSimulated).ring();
  Indexes found;
  for (int looks = 0; looks < 2; ++looks) board.scan([&](std::uint32_t index) { found.push_back(index); });
  cr_assert(found == Indexes{100});
}
