// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <cerrno>
#include <fstream>

#include "open_window.h"

using namespace anchor;
using namespace anchor::unit;

Test(window_open, a_reboot_begins_a_new_generation) {
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

Test(window_open, two_machines_with_one_number) {
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

Test(window_open, refuses_what_does_not_agree) {
  const WindowPlaces places;
  const LogCapture log;
  { OpenWindow a(places, 0); }
  places.write_config(1, "hosts = 2\nhost = 1\nsize = 12M\n");
  Window b;
  cr_assert_eq(b.open(places.config(1), places.scratch.path()), -EPROTO);
  cr_assert(log.warned_of("its size is 8388608, ours 6291456"));
  places.write_config(1, "hosts = 2\nhost = 1\nsize = 32M\n");
  Window larger;
  cr_assert_eq(larger.open(places.config(1), places.scratch.path()), -EINVAL);
  cr_assert(log.warned_of("the same on all hosts?"));
}

Test(window_open, refuses_what_is_no_window) {
  const WindowPlaces places;
  const LogCapture log;
  std::ofstream(places.scratch.file("memory"), std::ios::in | std::ios::out) << "a diary";
  Window a;
  cr_assert_eq(a.open(places.config(0), places.scratch.path()), -EPROTO);
  cr_assert(log.warned_of("something that is no window"));
}
