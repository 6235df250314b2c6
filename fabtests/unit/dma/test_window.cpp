// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <cerrno>

#include "dma/window.h"
#include "window_place.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

// An endpoint of a window without a region.
struct Entry {
  Entry(Window& in, const char* text, std::uint64_t life) : window(in), name(named(text)) {
    cr_assert_eq(window.home().take_slot(&lock, &self.slot), 0);
    self = {window.host(), self.slot, life, data_offset(2), kPageSize};
    error = window.announce(name, self);
  }
  Window& window;
  EndpointName name;
  ProcessFd lock;
  WindowEndpoint self{};
  int error;
};

}  // namespace

Test(window, finds_who_was_announced) {
  const WindowPlaces places;
  OpenWindow a(places, 0), b(places, 1);
  Entry entry(a.window, "somebody", 42);
  cr_assert_eq(entry.error, 0);
  WindowEndpoint found{};
  cr_assert_eq(b.window.find(entry.name, &found), -ENOENT, "no heartbeat yet");
  a.beat();
  cr_assert_eq(b.window.find(entry.name, &found), 0);
  cr_assert_eq(found.host, 0u);
  cr_assert_eq(found.life, 42u);
  cr_assert(b.window.alive(found));
  cr_assert_eq(a.window.find(entry.name, &found), 0, "peers of the same host are found as well");
  cr_assert_eq(b.window.find(named("nobody"), &found), -ENOENT);
  a.window.withdraw(entry.self.slot);
  cr_assert_not(b.window.alive(found), "told at once");
}

Test(window, a_name_has_one_owner_on_a_host) {
  const WindowPlaces places;
  OpenWindow a(places, 0), b(places, 1);
  Entry first(a.window, "taken", 1), second(a.window, "taken", 2), other(b.window, "taken", 3);
  cr_assert_eq(first.error, 0);
  cr_assert_eq(second.error, -EADDRINUSE);
  cr_assert_eq(other.error, 0);
  WindowEndpoint found{};
  cr_assert_eq(b.window.find(first.name, &found), 0);
  cr_assert_eq(found.life, 3u, "one's own host comes first");
}

Test(window, a_silent_host_is_dead) {
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
Test(window, memory_is_kept_for_those_who_write_there) {
  const WindowPlaces places;
  OpenWindow a(places, 0), b(places, 1);
  auto entry = std::make_unique<Entry>(a.window, "somebody", 42);
  const std::uint32_t slot = entry->self.slot;
  a.beat();
  b.beat();
  b.window.home().hold(0, slot);
  b.beat();
  a.window.withdraw(slot);
  entry.reset();
  const auto state = [&] { return a.window.home().shared().slots[slot].state.load(); };
  for (int i = 0; i < 3; ++i) {
    b.beat();
    a.beat();
    cr_assert(state() == SlotState::kDead);
  }
  b.window.home().let_go(0, slot);
  a.beat();
  cr_assert(state() == SlotState::kDead);
  b.beat();
  a.beat();
  cr_assert(state() == SlotState::kFree);
}

Test(window, what_a_killed_process_announced_goes) {
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

Test(window, tells_who_sleeps) {
  const WindowPlaces places;
  OpenWindow a(places, 0), b(places, 1);
  Entry entry(a.window, "somebody", 42), another(a.window, "another", 43);
  cr_assert_eq(b.window.sleep_of(entry.self), 0u);
  a.window.tell_sleep(entry.self.slot, 7);
  cr_assert_eq(b.window.sleep_of(entry.self), 7u);
  cr_assert_eq(b.window.sleep_of(another.self), 0u);
  a.window.tell_sleep(entry.self.slot, 8);
  cr_assert_eq(b.window.sleep_of(entry.self), 8u);
}

Test(window, a_reboot_begins_a_new_generation) {
  const WindowPlaces places;
  const auto generation = [](Window& w) { return partition_header(w.own().base())->generation.load(); };
  std::uint64_t before;
  {
    OpenWindow a(places, 0);
    Entry entry(a.window, "of the first boot", 42);
    before = generation(a.window);
    cr_assert_eq(::unlink(a.window.home().path().c_str()), 0);
  }
  OpenWindow again(places, 0), b(places, 1);
  cr_assert_neq(generation(again.window), before);
  again.beat();
  WindowEndpoint found{};
  cr_assert_eq(b.window.find(named("of the first boot"), &found), -ENOENT);
}

Test(window, two_machines_with_one_number) {
  const WindowPlaces places;
  const LogCapture log;
  const ScratchDirectory elsewhere;  // another machine's memory
  auto device = places.device(0);
  cr_assert_eq(device->keep(), 0);
  Window other;
  cr_assert(comes_true([&] {
    Window looked;
    return looked.open(places.config(0), places.scratch.path()) == 0 &&
           partition_header(looked.own().base())->beat.load() != 0;
  }));
  cr_assert_eq(other.open(places.config(0), elsewhere.path()), -EADDRINUSE);
  cr_assert(log.warned_of("another machine uses the window as host 0"));
}

Test(window, refuses_what_does_not_agree) {
  const WindowPlaces places;
  const LogCapture log;
  { OpenWindow a(places, 0); }
  places.write_config(1, "hosts = 2\nhost = 1\nsize = 12M\n");
  const OpenWindow b(places, 1, -EPROTO);
  cr_assert(log.warned_of("its size is 8388608, ours 6291456"));
  places.write_config(1, "hosts = 2\nhost = 1\nsize = 32M\n");
  const OpenWindow larger(places, 1, -EINVAL);
  cr_assert(log.warned_of("the same on all hosts?"));
}

Test(window, refuses_what_is_no_window) {
  const WindowPlaces places;
  const LogCapture log;
  std::ofstream(places.scratch.file("memory"), std::ios::in | std::ios::out) << "a diary";
  const OpenWindow a(places, 0, -EPROTO);
  cr_assert(log.warned_of("something that is no window"));
}

// Nothing in a directory is believed.
Test(window, a_directory_of_nonsense) {
  const WindowPlaces places;
  OpenWindow a(places, 0), b(places, 1);
  Entry entry(a.window, "somebody", 42);
  a.beat();
  DirectoryEntry* raw = directory_entry(a.window.own().base(), entry.self.slot);
  WindowEndpoint found{};
  for (const std::uint64_t offset :
       {std::uint64_t{0}, std::uint64_t{4097}, std::uint64_t{8} << 20, UINT64_MAX - 4095}) {
    raw->header_offset.store(offset);
    cr_assert_eq(b.window.find(entry.name, &found), -ENOENT);
  }
  raw->header_offset.store(data_offset(2));
  for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{5}, std::uint64_t{1} << 30, UINT64_MAX - 4095}) {
    raw->header_size.store(size);
    cr_assert_eq(b.window.find(entry.name, &found), -ENOENT);
  }
  raw->header_size.store(kPageSize);
  cr_assert_eq(b.window.find(entry.name, &found), 0);
}
