// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <cerrno>
#include <numeric>
#include <set>

#include "dma/window_home.h"
#include "window_place.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

struct Home {
  explicit Home(const WindowPlaces& places) {
    const WindowConfig config = places.config(0);
    cr_assert_eq(own.open(config.partitions[0]), 0);
    cr_assert_eq(home.open(config, own, places.scratch.path()), 0);
  }
  WindowPartition own;
  WindowHome home;
};

constexpr std::uint64_t kNoBeats[kMaxWindowHosts] = {};

// A child that holds one slot until it is killed.
Child owner_of_a_slot(const WindowPlaces& places) {
  return Child([&places](const Meeting& meeting) {
    Home there(places);
    ProcessFd lock;
    std::uint32_t slot;
    std::uint64_t offset;
    if (there.home.take_slot(&lock, &slot) != 0 || there.home.claim(slot, kPageSize, &offset) != 0) return 1;
    meeting.tell();
    meeting.await();
    return 0;
  });
}

}  // namespace

Test(window_home, slots_have_one_owner) {
  const WindowPlaces places;
  Home first(places), second(places);
  std::set<std::uint32_t> slots;
  std::vector<std::unique_ptr<ProcessFd>> locks;
  for (std::uint32_t i = 0; i < kWindowSlots; ++i) {
    locks.push_back(std::make_unique<ProcessFd>());
    std::uint32_t slot;
    cr_assert_eq((i % 2 ? first : second).home.take_slot(locks.back().get(), &slot), 0);
    cr_assert(slots.insert(slot).second);
  }
  ProcessFd lock;
  std::uint32_t slot;
  cr_assert_eq(first.home.take_slot(&lock, &slot), -ENOSPC);
  first.home.give_back(7);
  locks.clear();
  cr_assert_eq(second.home.take_slot(&lock, &slot), 0);
  cr_assert_eq(slot, 7u);
}

Test(window_home, pages_have_one_owner) {
  const WindowPlaces places;
  Home first(places), second(places);
  std::set<std::uint64_t> offsets;
  const std::uint64_t free_before = first.home.room().bytes;
  std::uint64_t offset;
  for (unsigned i = 0; (i % 2 ? first : second).home.claim(i % 2, 7 * kPageSize, &offset) == 0; ++i) {
    cr_assert_geq(offset, data_offset(2));
    cr_assert_leq(offset + 7 * kPageSize, first.own.size());
    for (std::uint64_t page = 0; page < 7; ++page) cr_assert(offsets.insert(offset + page * kPageSize).second);
  }
  cr_assert_lt(first.home.room().bytes, 14 * kPageSize);
  for (const std::uint64_t page : offsets) first.home.release(page, kPageSize);
  cr_assert_eq(second.home.room().bytes, free_before);
  cr_assert_eq(second.home.claim(1, free_before, &offset), 0, "all of it is in one piece");
}

Test(window_home, sees_off_the_dead_and_keeps_what_is_used) {
  const WindowPlaces places;
  Home home(places);
  Child owner = owner_of_a_slot(places);
  cr_assert(owner.await());
  const std::uint64_t free_meanwhile = home.home.room().bytes;
  const auto bury = [&](std::uint32_t slot) { home.home.bury(slot, kNoBeats); };
  home.home.look_after(bury, [](std::uint32_t) { return true; });
  cr_assert(home.home.lives(0));
  owner.kill();
  cr_assert_not(home.home.lives(0));
  home.home.look_after(bury, [](std::uint32_t) { return false; });
  cr_assert_eq(home.home.room().bytes, free_meanwhile, "somebody may write there still");
  ProcessFd lock;
  std::uint32_t slot;
  cr_assert_eq(home.home.take_slot(&lock, &slot), 0);
  cr_assert_neq(slot, 0u);
  home.home.look_after(bury, [](std::uint32_t) { return true; });
  cr_assert_eq(home.home.room().bytes, free_meanwhile + kPageSize);
}

Test(window_home, knows_what_living_processes_hold) {
  const WindowPlaces places;
  Home home(places);
  Child user([&places](const Meeting& meeting) {
    Home there(places);
    there.home.hold(1, 70);
    there.home.hold(1, 70);
    there.home.hold(1, 3);
    there.home.let_go(1, 70);
    meeting.tell();
    meeting.await();
    return 0;
  });
  cr_assert(user.await());
  std::uint64_t held[kHeldWords];
  home.home.held_of(1, held);
  cr_assert_eq(held[0], 1u << 3);
  cr_assert_eq(held[1], 1u << 6);
  cr_assert_eq(home.home.users(), 2u);
  home.home.held_of(0, held);
  cr_assert_eq(std::accumulate(held, held + kHeldWords, std::uint64_t{0}), 0u);
  user.kill();
  home.home.held_of(1, held);
  cr_assert_eq(held[0] | held[1], 0u, "the dead hold nothing");
}

Test(window_home, contact_entries_have_one_writer) {
  const WindowPlaces places;
  Home first(places), second(places);
  ProcessFd one, other;
  cr_assert_eq(first.home.claim_contact(&one, 1, 9, 4), 0);
  cr_assert_eq(second.home.claim_contact(&other, 1, 9, 4), -EBUSY);
  cr_assert_eq(second.home.claim_contact(&other, 1, 9, 5), 0);
  cr_assert_eq(second.home.claim_contact(&other, 0, 9, 4), 0);
  cr_assert_eq(second.home.claim_contact(&other, 1, 9, 64), -EBUSY);
}

Test(window_home, refuses_another_size) {
  const WindowPlaces places;
  const LogCapture log;
  { Home home(places); }
  places.write_config(0, "hosts = 2\nhost = 0\nsize = 12M\n");
  const WindowConfig config = places.config(0);
  WindowPartition own;
  WindowHome home;
  cr_assert_eq(own.open(config.partitions[0]), 0);
  cr_assert_eq(home.open(config, own, places.scratch.path()), -EPROTO);
  cr_assert(log.warned_of("another version or size"));
}

Test(window_home, the_doorbell_has_one_server) {
  const WindowPlaces places;
  Home first(places), second(places);
  cr_assert_eq(first.home.doorbell(), DoorbellWord::kAllRing, "nobody is there who could not ring");
  {
    ProcessFd lock, again;
    cr_assert_eq(first.home.take_doorbell(&lock), 0);
    cr_assert_eq(second.home.take_doorbell(&again), -EBUSY);
    first.home.shared().doorbell.store(DoorbellWord::make(3));
    cr_assert_eq(first.home.doorbell(), DoorbellWord::make(3) | DoorbellWord::kAllRing);
    second.home.set_mute(true);
    cr_assert_eq(first.home.doorbell(), DoorbellWord::make(3));
    cr_assert_eq(second.home.doorbell(), DoorbellWord::make(3));
    second.home.set_mute(false);
    cr_assert_eq(first.home.doorbell(), DoorbellWord::make(3) | DoorbellWord::kAllRing);
  }
  cr_assert_eq(first.home.doorbell(), DoorbellWord::kAllRing, "who has died serves nobody");
}

Test(window_home, who_could_not_ring_and_died_holds_nobody_up) {
  const WindowPlaces places;
  Home here(places);
  Child mute([&places](const Meeting& meeting) {
    Home there(places);
    there.home.set_mute(true);
    meeting.tell();
    meeting.await();
    return 0;
  });
  cr_assert(mute.await());
  cr_assert_eq(here.home.doorbell(), 0u);
  mute.kill();
  cr_assert_eq(here.home.doorbell(), DoorbellWord::kAllRing);
  Home next(places);
  cr_assert_eq(next.home.doorbell(), DoorbellWord::kAllRing, "nor is it said of who gets its row");
}
