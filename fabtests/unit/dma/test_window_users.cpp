// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <numeric>

#include "open_home.h"

using namespace anchor;
using namespace anchor::unit;

Test(window_users, knows_what_living_processes_hold) {
  const WindowPlaces places;
  Home home(places);
  Child user([&places](const Meeting& meeting) {
    Home there(places);
    there.home.users().hold(1, 70);
    there.home.users().hold(1, 70);
    there.home.users().hold(1, 3);
    there.home.users().let_go(1, 70);
    meeting.tell();
    meeting.await();
    return 0;
  });
  cr_assert(user.await());
  std::uint64_t held[kHeldWords];
  home.home.users().held_of(1, held);
  cr_assert_eq(held[0], 1u << 3);
  cr_assert_eq(held[1], 1u << 6);
  cr_assert_eq(home.home.users().count(), 2u);
  home.home.users().held_of(0, held);
  cr_assert_eq(std::accumulate(held, held + kHeldWords, std::uint64_t{0}), 0u);
  user.kill();
  home.home.users().held_of(1, held);
  cr_assert_eq(held[0] | held[1], 0u, "the dead hold nothing");
}

Test(window_users, who_could_not_ring_and_died_holds_nobody_up) {
  const WindowPlaces places;
  Home here(places);
  Child mute([&places](const Meeting& meeting) {
    Home there(places);
    there.home.users().set_mute(true);
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
