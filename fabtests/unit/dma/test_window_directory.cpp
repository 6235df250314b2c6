// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <cerrno>

#include "open_window.h"

using namespace anchor;
using namespace anchor::unit;

Test(window_directory, finds_who_was_announced) {
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

Test(window_directory, a_name_has_one_owner_on_a_host) {
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

// Nothing in a directory is believed.
Test(window_directory, a_directory_of_nonsense) {
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
