// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <atomic>

#include "dma/window_keeper.h"
#include "os/unique_fd.h"
#include "window_place.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

bool readable(int fd, int milliseconds) {
  pollfd wanted{fd, POLLIN, 0};
  return ::poll(&wanted, 1, milliseconds) == 1;
}

// A board of two words, and whether its owner sleeps.
struct Dozer {
  Dozer()
      : watch(MemoryType::kCoherent, reinterpret_cast<const std::byte*>(board), sizeof board, &epoch, event.get()) {}
  bool look(bool* changed) { return watch.look(changed); }

  std::atomic<std::uint64_t> board[2] = {};
  std::atomic<std::uint64_t> epoch{0};
  UniqueFd event{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  WindowWatch watch;
};

struct Kept {
  Kept() { cr_assert_eq(window.open(places.config(0), places.scratch.path()), 0); }
  std::uint64_t beat() { return partition_header(window.own().base())->beat.load(); }

  WindowPlaces places;
  Window window;
};

}  // namespace

Test(window_keeper, looks_only_for_who_sleeps) {
  Dozer dozer;
  bool changed = false;
  dozer.board[1] = 1;
  cr_assert_not(dozer.look(&changed), "it has not said that it is about to sleep");
  dozer.watch.expect();
  dozer.board[1] = 2;
  cr_assert(dozer.look(&changed), "it may fall asleep still");
  cr_assert_not(changed);
  dozer.epoch = 1;
  cr_assert(dozer.look(&changed));
  cr_assert(changed && readable(dozer.event.get(), 0), "it changed since it was looked at");
}

Test(window_keeper, wakes_once_for_a_change) {
  Dozer dozer;
  bool changed = false;
  dozer.board[0] = 5;
  dozer.watch.expect();
  dozer.epoch = 1;
  cr_assert(dozer.look(&changed));
  cr_assert_not(changed, "that was before");
  dozer.board[0] = 6;
  cr_assert(dozer.look(&changed) && changed);
  changed = false;
  cr_assert(dozer.look(&changed));
  cr_assert_not(changed);
}

Test(window_keeper, who_stays_awake_is_left_alone) {
  Dozer dozer;
  bool changed = false;
  dozer.watch.expect();
  unsigned looks = 1;
  while (dozer.look(&changed)) ++looks;
  cr_assert_leq(looks, 1000u);
  cr_assert_not(dozer.look(&changed));
  dozer.watch.expect();
  cr_assert(dozer.look(&changed), "until it is about to sleep again");
}

Test(window_keeper, sends_the_heartbeat) {
  Kept kept;
  WindowKeeper keeper(kept.window);
  cr_assert_eq(keeper.start(), 0);
  cr_assert_eq(keeper.start(), 0, "once");
  const std::uint64_t before = kept.beat();
  cr_assert(comes_true([&] { return kept.beat() > before + 2; }));
}

Test(window_keeper, wakes_a_sleeper_when_called_upon) {
  Kept kept;
  Dozer dozer;
  WindowKeeper keeper(kept.window);
  cr_assert_eq(keeper.start(), 0);
  keeper.add(&dozer.watch);
  for (std::uint64_t round = 1; round < 20; ++round) {
    keeper.expect(dozer.watch);
    ++dozer.epoch;
    ++dozer.board[round % 2];
    cr_assert(readable(dozer.event.get(), 20000));
    ++dozer.epoch;
    eventfd_t count;
    cr_assert_eq(::eventfd_read(dozer.event.get(), &count), 0);
  }
  keeper.remove(&dozer.watch);
}

Test(window_keeper, a_forked_child_does_without) {
  Kept kept;
  WindowKeeper keeper(kept.window);
  cr_assert_eq(keeper.start(), 0);
  Child child([&](const Meeting&) {
    Dozer dozer;
    keeper.remove(&dozer.watch);
    return 0;
  });
  cr_assert_eq(child.join(), 0);
}
