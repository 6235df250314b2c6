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
  bool look(bool* changed) { return watch.look(now, rung, changed); }

  std::atomic<std::uint64_t> board[2] = {};
  std::atomic<std::uint64_t> epoch{0};
  TimePoint now{};
  bool rung = false;
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
  for (int i = 0; i < 5000; ++i) cr_assert(dozer.look(&changed), "it has not slept yet");
  dozer.epoch = 2;
  unsigned looks = 1;
  while (dozer.look(&changed)) ++looks;
  cr_assert_leq(looks, 1000u);
  cr_assert_not(dozer.look(&changed));
  dozer.watch.expect();
  cr_assert(dozer.look(&changed), "until it is about to sleep again");
}

Test(window_keeper, wakes_at_a_given_time) {
  Dozer dozer;
  bool changed = false;
  dozer.watch.expect();
  dozer.epoch = 1;
  dozer.watch.wake_at(dozer.now + kSettling);
  cr_assert(dozer.look(&changed));
  cr_assert_not(readable(dozer.event.get(), 0));
  dozer.now += kSettling;
  cr_assert(dozer.look(&changed));
  cr_assert(readable(dozer.event.get(), 0));
  cr_assert_not(changed, "nobody rang");
  eventfd_t count;
  cr_assert_eq(::eventfd_read(dozer.event.get(), &count), 0);
  dozer.now += kSettling;
  cr_assert(dozer.look(&changed));
  cr_assert_not(readable(dozer.event.get(), 0), "once");
}

// Who is awake then has to look anyhow before it sleeps again.
Test(window_keeper, does_not_wake_who_is_awake_at_the_time) {
  Dozer dozer;
  bool changed = false;
  dozer.watch.wake_at(dozer.now + kSettling);
  cr_assert(dozer.look(&changed), "it is awaited, whether or not the board is looked at");
  dozer.now += kSettling;
  cr_assert_not(dozer.look(&changed));
  cr_assert_not(readable(dozer.event.get(), 0));
}

// Who rings before it knows that we sleep does not interrupt us.
Test(window_keeper, whose_writers_interrupt_it_is_looked_at_until_they_know) {
  Dozer dozer;
  dozer.rung = true;
  bool changed = false;
  for (dozer.epoch = 1; dozer.epoch < 20; dozer.epoch += 2) {
    dozer.watch.expect();
    cr_assert(dozer.look(&changed), "it sleeps still, or again");
    dozer.epoch += 2;
    cr_assert(dozer.look(&changed));
    cr_assert_not(changed);
    ++dozer.board[0];
    dozer.now += kSettling;
    cr_assert_not(dozer.look(&changed));
    cr_assert(changed && readable(dozer.event.get(), 0));
    changed = false;
    ++dozer.board[1];
    cr_assert_not(dozer.look(&changed));
    cr_assert(changed, "interrupted, it is looked at nevertheless");
    changed = false;
  }
  dozer.watch.expect();
  ++dozer.epoch;
  cr_assert_not(dozer.look(&changed), "it is awake");
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

Test(window_keeper, wakes_at_a_given_time_when_called_upon) {
  Kept kept;
  Dozer dozer;
  dozer.epoch = 1;
  WindowKeeper keeper(kept.window);
  cr_assert_eq(keeper.start(), 0);
  keeper.add(&dozer.watch);
  for (int round = 0; round < 20; ++round) {
    const TimePoint time = Clock::now() + kSettling;
    keeper.wake_at(dozer.watch, time);
    cr_assert(readable(dozer.event.get(), 20000));
    cr_assert(Clock::now() >= time);
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
