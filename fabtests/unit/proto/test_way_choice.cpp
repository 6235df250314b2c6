// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "proto/way_choice.h"

using namespace anchor;

namespace {

constexpr std::uint64_t kMiB = 1u << 20;

// How many of the next `turns` go directly, if one way takes so long a KiB and the other so long.
unsigned direct_of(WayChoice& choice, unsigned turns, std::uint64_t bytes, int streamed, int direct) {
  unsigned count = 0;
  for (unsigned i = 0; i < turns; ++i) {
    const bool directly = choice.goes_directly();
    count += directly ? 1 : 0;
    if (choice.take_turn())
      choice.took(directly, bytes,
                  Clock::duration((directly ? direct : streamed) * static_cast<Clock::rep>(bytes / 1024)));
  }
  return count;
}

}  // namespace

Test(way_choice, takes_the_faster_way_and_tries_the_other_now_and_then) {
  WayChoice choice;
  direct_of(choice, 128, kMiB, 100, 60);
  cr_assert_eq(direct_of(choice, 128, kMiB, 100, 60), 126u);
  direct_of(choice, 1280, kMiB, 60, 100);
  cr_assert_eq(direct_of(choice, 128, kMiB, 60, 100), 2u);
}

Test(way_choice, one_that_takes_far_longer_is_seldom_tried) {
  WayChoice choice;
  direct_of(choice, 512, kMiB, 100, 20);
  cr_assert_eq(direct_of(choice, 512, kMiB, 100, 20), 510u);
}

Test(way_choice, both_are_tried_several_times_at_first) {
  WayChoice choice;
  const unsigned directly = direct_of(choice, 32, kMiB, 100, 60);
  cr_assert_eq(directly, 24u);
}

Test(way_choice, an_interruption_changes_nothing) {
  WayChoice choice;
  direct_of(choice, 128, kMiB, 100, 50);
  choice.took(true, kMiB, std::chrono::seconds(1));
  cr_assert_geq(direct_of(choice, 128, kMiB, 100, 50), 126u);
}

Test(way_choice, one_that_was_interrupted_at_first_is_found_out_soon) {
  WayChoice choice;
  for (const bool directly : {false, true}) choice.took(directly, kMiB, std::chrono::milliseconds(directly ? 100 : 1));
  direct_of(choice, 256, kMiB, 1000, 500);
  cr_assert_geq(direct_of(choice, 128, kMiB, 1000, 500), 126u);
}

Test(way_choice, what_has_become_slower_is_left) {
  WayChoice choice;
  direct_of(choice, 256, kMiB, 100, 20);
  cr_assert_leq(direct_of(choice, 256, kMiB, 100, 400), 128u);
  cr_assert_leq(direct_of(choice, 128, kMiB, 100, 400), 2u);
}

Test(way_choice, trials_are_timed_and_of_the_others_one_in_eight) {
  WayChoice choice;
  direct_of(choice, 128, kMiB, 100, 60);
  unsigned timed = 0;
  for (unsigned i = 0; i < 128; ++i) {
    const bool trial = !choice.goes_directly();
    const bool told = choice.take_turn();
    cr_assert(told || !trial);
    timed += told ? 1 : 0;
  }
  cr_assert_leq(timed, 20u);
  cr_assert_geq(timed, 16u);
}
