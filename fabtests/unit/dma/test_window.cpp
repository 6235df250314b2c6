// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "open_window.h"

using namespace anchor;
using namespace anchor::unit;

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
