// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "fifo/gathering.h"

using namespace anchor;

namespace {

using State = Gathering::State;

constexpr std::uint64_t slot_at(std::uint32_t position) { return SlotHead::pack(position, 0); }

}  // namespace

Test(gathering, ends_with_the_last_message) {
  SharedWord head{slot_at(3)};
  Gathering gathering;
  cr_assert_eq(gathering.look(), State::kNone);
  gathering.begin(&head, 7);
  cr_assert_eq(gathering.look(), State::kGathers, "time begins with the first look");
  head = slot_at(7);
  cr_assert_eq(gathering.look(), State::kThere);
  cr_assert_eq(gathering.look(), State::kNone);
}

Test(gathering, ends_in_time) {
  SharedWord head{slot_at(6)};
  Gathering gathering;
  gathering.begin(&head, 7);
  State state = State::kGathers;
  while (state == State::kGathers) state = gathering.look();
  cr_assert_eq(state, State::kOver);
  cr_assert_eq(gathering.look(), State::kNone);
}

Test(gathering, can_be_ended) {
  SharedWord head{slot_at(6)};
  Gathering gathering;
  gathering.begin(&head, 7);
  gathering.end();
  cr_assert_eq(gathering.look(), State::kNone);
  gathering.begin(&head, 6);
  cr_assert_eq(gathering.look(), State::kThere, "what is there is not waited for");
}
