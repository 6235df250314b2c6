// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <cerrno>
#include <memory>

#include "open_window.h"

using namespace anchor;
using namespace anchor::unit;

Test(window_heartbeat, a_silent_host_is_dead) {
  const WindowPlaces places;
  places.write_config(1, "hosts = 2\nhost = 1\ntimeout = 500\n");
  OpenWindow a(places, 0), b(places, 1);
  Entry entry(a.window, "somebody", 42);
  a.beat();
  WindowEndpoint found{};
  cr_assert_eq(b.window.find(entry.name, &found), 0);
  cr_assert(comes_true([&] { return !b.window.alive(found); }));
  a.beat();
  cr_assert(b.window.alive(found), "it was only slow");
}

// What a dead endpoint had is given away only when the other host has said that it does not use it any more.
Test(window_heartbeat, memory_is_kept_for_those_who_write_there) {
  const WindowPlaces places;
  OpenWindow a(places, 0), b(places, 1);
  auto entry = std::make_unique<Entry>(a.window, "somebody", 42);
  const std::uint32_t slot = entry->self.slot;
  a.beat();
  b.beat();
  b.window.home().users().hold(0, slot);
  b.beat();
  a.window.withdraw(slot);
  entry.reset();
  const auto state = [&] { return a.window.home().shared().slots[slot].state.load(); };
  for (int i = 0; i < 3; ++i) {
    b.beat();
    a.beat();
    cr_assert(state() == SlotState::kDead);
  }
  b.window.home().users().let_go(0, slot);
  a.beat();
  cr_assert(state() == SlotState::kDead);
  b.beat();
  a.beat();
  cr_assert(state() == SlotState::kFree);
}

Test(window_heartbeat, what_a_killed_process_announced_goes) {
  const WindowPlaces places;
  OpenWindow a(places, 0), b(places, 1);
  Child owner([&places](const Meeting& meeting) {
    OpenWindow here(places, 1);
    Entry entry(here.window, "victim", 7);
    meeting.tell();
    meeting.await();
    return 0;
  });
  cr_assert(owner.await());
  b.beat();
  WindowEndpoint found{};
  cr_assert_eq(a.window.find(named("victim"), &found), 0);
  owner.kill();
  b.beat();
  cr_assert_not(a.window.alive(found));
  cr_assert_eq(a.window.find(named("victim"), &found), -ENOENT);
}
