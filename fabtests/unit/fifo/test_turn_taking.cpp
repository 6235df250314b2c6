// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <algorithm>

#include "fifo/turn_taking.h"

using namespace anchor;

namespace {

std::uint64_t now = 1000;
std::uint64_t fake_clock() noexcept { return now; }
std::uint64_t no_clock() noexcept { return 0; }

constexpr unsigned kMany = 100;

template <class Turns>
bool take_turn(Turns& turns) {
  turns.found(1);
  turns.taken();
  return turns.sent();
}

// Two that have taken turns for long enough.
struct Established : TurnTakingBy<fake_clock> {
  Established() {
    for (unsigned i = 0; i < kMany; ++i) take_turn(*this);
  }
  // Passes until it looks, a tick each.
  unsigned waits_for() {
    unsigned passes = 0;
    for (; too_early(); ++passes) ++now;
    return passes;
  }
  // A turn whose answer is there so many ticks after our message. Returns those that went by before it was seen.
  std::uint64_t turn(std::uint64_t answer) {
    take_turn(*this);
    const std::uint64_t sent = now;
    while (too_early()) now += 30;
    looked(now - sent >= answer);
    for (now = std::max(now, sent + answer); too_early(); ++now) {
    }
    return now - sent;
  }
};

}  // namespace

Test(turn_taking, only_of_those_who_do) {
  TurnTakingBy<fake_clock> turns;
  for (unsigned i = 0; i < 8; ++i) {
    cr_assert_not(take_turn(turns), "turn %u", i);
    cr_assert_not(turns.too_early());
  }
  cr_assert(take_turn(turns));
  cr_assert(turns.too_early());
}

Test(turn_taking, several_in_a_row_end_it) {
  for (const std::uint32_t sent : {0u, 2u}) {
    Established turns;
    turns.found(sent);
    turns.taken();
    cr_assert_not(turns.waits() || turns.too_early());
    cr_assert_not(turns.sent());
  }
}

Test(turn_taking, what_was_found_and_not_taken_is_looked_at_again) {
  Established turns;
  turns.found(1);
  cr_assert_not(turns.waits() || turns.too_early());
  turns.taken();
  cr_assert(turns.waits());
}

// As to an operation on memory, in the course of its handling.
Test(turn_taking, an_answer_may_be_sent_before_the_message_is_taken) {
  Established turns;
  turns.found(1);
  cr_assert(turns.sent());
  turns.taken();
  cr_assert_gt(turns.waits_for(), 3u, "by the clock");
}

Test(turn_taking, who_has_not_answered_looks_after_a_few_passes) {
  Established turns;
  turns.found(1);
  turns.taken();
  cr_assert_eq(turns.waits_for(), 3u);
  cr_assert_not(turns.too_early());
}

// As one does that keeps several operations in flight.
Test(turn_taking, who_has_not_waited_for_us_is_not_waited_for) {
  Established turns;
  turns.found(1);
  turns.taken();
  turns.waits_for();
  turns.looked(true);
  cr_assert_not(take_turn(turns));
  cr_assert_not(turns.too_early());
}

Test(turn_taking, a_clock_that_stands_or_goes_back_does_not_keep_it_from_looking) {
  Established turns;
  take_turn(turns);
  now -= 500;
  unsigned looks = 0;
  while (turns.too_early()) ++looks;
  cr_assert_leq(looks, 64u);
}

Test(turn_taking, without_a_clock_only_the_application_is_waited_for) {
  TurnTakingBy<no_clock> turns;
  for (unsigned i = 0; i < kMany; ++i) take_turn(turns);
  turns.found(1);
  turns.taken();
  cr_assert(turns.too_early());
  cr_assert(turns.sent());
  cr_assert_not(turns.too_early());
}

Test(turn_taking, the_first_look_comes_when_the_answer_does) {
  for (const std::uint64_t answer : {200u, 500u, 900u}) {
    Established turns;
    for (unsigned i = 0; i < 1000; ++i) turns.turn(answer);
    std::uint64_t most = 0;
    for (unsigned i = 0; i < kMany; ++i) most = std::max(most, turns.turn(answer));
    cr_assert(most >= answer && most <= answer + 60, "%lu ticks instead of %lu", most, answer);
    for (unsigned i = 0; i < 300; ++i) turns.turn(answer / 2);
    most = turns.turn(answer / 2);
    cr_assert(most <= answer / 2 + 60, "%lu ticks instead of %lu", most, answer / 2);
  }
}

Test(turn_taking, answers_that_are_there_at_once_or_come_late_are_not_waited_for) {
  for (const std::uint64_t answer : {1u, 100'000u}) {
    Established turns;
    for (unsigned i = 0; i < 1000; ++i) turns.turn(answer);
    unsigned waits = 0;
    for (unsigned i = 0; i < 1000; ++i) {
      waits += take_turn(turns) ? 1 : 0;
      cr_assert_not(turns.too_early());
    }
    cr_assert_eq(waits, 0u);
    unsigned turns_left = 5000;
    while (turns_left != 0 && !take_turn(turns)) --turns_left;
    cr_assert_gt(turns_left, 0u, "it is tried again");
  }
}
