// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <cerrno>
#include <memory>
#include <set>
#include <vector>

#include "open_home.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr std::uint64_t kNoBeats[kMaxWindowHosts] = {};

// A child that holds one slot until it is killed.
Child owner_of_a_slot(const WindowPlaces& places) {
  return Child([&places](const Meeting& meeting) {
    Home there(places);
    ProcessFd lock;
    std::uint32_t slot;
    std::uint64_t offset;
    if (there.home.take_slot(&lock, &slot) != 0 || there.home.pages().claim(slot, kPageSize, &offset) != 0) return 1;
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

Test(window_home, sees_off_the_dead_and_keeps_what_is_used) {
  const WindowPlaces places;
  Home home(places);
  Child owner = owner_of_a_slot(places);
  cr_assert(owner.await());
  const std::uint64_t free_meanwhile = home.home.pages().room().bytes;
  const auto bury = [&](std::uint32_t slot) { home.home.bury(slot, kNoBeats); };
  home.home.look_after(bury, [](std::uint32_t) { return true; });
  cr_assert(home.home.lives(0));
  owner.kill();
  cr_assert_not(home.home.lives(0));
  home.home.look_after(bury, [](std::uint32_t) { return false; });
  cr_assert_eq(home.home.pages().room().bytes, free_meanwhile, "somebody may write there still");
  ProcessFd lock;
  std::uint32_t slot;
  cr_assert_eq(home.home.take_slot(&lock, &slot), 0);
  cr_assert_neq(slot, 0u);
  home.home.look_after(bury, [](std::uint32_t) { return true; });
  cr_assert_eq(home.home.pages().room().bytes, free_meanwhile + kPageSize);
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
    second.home.users().set_mute(true);
    cr_assert_eq(first.home.doorbell(), DoorbellWord::make(3));
    cr_assert_eq(second.home.doorbell(), DoorbellWord::make(3));
    second.home.users().set_mute(false);
    cr_assert_eq(first.home.doorbell(), DoorbellWord::make(3) | DoorbellWord::kAllRing);
  }
  cr_assert_eq(first.home.doorbell(), DoorbellWord::kAllRing, "who has died serves nobody");
}
