// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <sched.h>

#include <thread>
#include <vector>

#include "fifo/gate.h"

using namespace anchor;

namespace {

using Turn = TargetGate::Turn;

// Both ends of one word, and how many operations have been sent.
struct Gate {
  void send(unsigned count) {
    while (count-- > 0) initiator.count_sent();
  }
  std::uint64_t take() {
    std::uint64_t carried_out = ~0ull;
    return initiator.take(&carried_out) ? carried_out : ~0ull;
  }
  void carry_out(unsigned count) {
    for (; count > 0; --count) {
      cr_assert_eq(target.claim(), Turn::kOurs);
      target.pass();
    }
  }

  SharedWord word{0};
  TargetGate target{word};
  InitiatorGate initiator{word};
};
constexpr std::uint64_t kRefused = ~0ull;

}  // namespace

Test(gate, words) {
  cr_assert_eq(GateWord::pack(GateWord::kOpen, 0), 0u, "a zeroed block is an open gate");
  cr_assert_eq(GateWord::pack(GateWord::kTakenOver, 5), 23u);
  cr_assert_eq(GateWord::state(23), GateWord::kTakenOver);
  cr_assert_eq(GateWord::count(23), 5u);
}

Test(gate, the_target_says_how_far_it_came) {
  Gate gate;
  gate.send(5);
  gate.carry_out(3);
  cr_assert(gate.target.held());
  cr_assert_eq(gate.take(), kRefused, "the target is at it");
  gate.target.release();
  cr_assert_not(gate.target.held());
  cr_assert_eq(gate.take(), 3u);
}

Test(gate, a_target_that_carried_out_nothing) {
  Gate gate;
  gate.send(1);
  cr_assert_eq(gate.target.claim(), Turn::kOurs);
  gate.target.release();
  cr_assert_eq(gate.take(), 0u);
}

Test(gate, nobody_carries_out_what_the_initiator_is_at) {
  Gate gate;
  gate.send(2);
  cr_assert_eq(gate.take(), 0u);
  cr_assert_eq(gate.target.claim(), Turn::kNobody);
  cr_assert_eq(gate.take(), kRefused, "once is enough");
  gate.initiator.hand_back(0, 2);
  cr_assert_eq(gate.target.claim(), Turn::kTheirs);
}

Test(gate, the_target_drops_what_was_taken_over_and_no_more) {
  Gate gate;
  gate.send(1);
  gate.carry_out(1);
  gate.target.release();
  gate.send(3);
  cr_assert_eq(gate.take(), 1u);
  gate.initiator.hand_back(1, 3);
  for (int i = 0; i < 2; ++i) {
    cr_assert_not(gate.initiator.open());
    cr_assert_eq(gate.take(), kRefused);
    cr_assert_eq(gate.target.claim(), Turn::kTheirs);
    gate.target.pass();
  }
  cr_assert(gate.initiator.open(), "it has come to all of them");
  gate.carry_out(1);
  gate.target.release();
  cr_assert_eq(gate.take(), 4u);
}

// The initiator lost the peer's memory in the middle of it: the rest is the target's.
Test(gate, some_are_left_to_the_target) {
  Gate gate;
  gate.send(3);
  cr_assert_eq(gate.take(), 0u);
  gate.initiator.hand_back(0, 1);
  cr_assert_eq(gate.target.claim(), Turn::kTheirs);
  gate.target.pass();
  gate.carry_out(2);
  gate.target.release();
  cr_assert_eq(gate.take(), 3u);
}

Test(gate, a_gate_handed_back_as_it_was) {
  Gate gate;
  gate.send(2);
  gate.carry_out(1);
  gate.target.release();
  cr_assert_eq(gate.take(), 1u);
  gate.initiator.hand_back(1, 1);
  cr_assert(gate.initiator.open());
  gate.carry_out(1);
}

Test(gate, nonsense_is_nobodys_turn) {
  Gate gate;
  gate.word = GateWord::pack(GateWord::kTarget, 7);
  cr_assert_eq(gate.target.claim(), Turn::kNobody, "not that we knew");
  cr_assert_eq(gate.take(), kRefused);
  gate.word = ~0ull;
  cr_assert_eq(gate.target.claim(), Turn::kTheirs, "who drops all has nothing done");
  gate.target.pass();
  gate.word = GateWord::pack(GateWord::kTakenOver, 0);
  gate.carry_out(1);
  gate.word = 0;  // while it is held
  gate.carry_out(1);
  gate.target.release();
  cr_assert_eq(gate.take(), 3u);
}

// The target carries out what it finds, the initiator takes over what it has sent, both at any moment: each operation
// is carried out once, in its order. `last` is no atomic: the gate is what makes it safe.
Test(gate, each_is_carried_out_once_and_in_order) {
  constexpr std::uint64_t kOperations = 20'000;
  Gate gate;
  std::atomic<std::uint64_t> sent{0};
  std::uint64_t last = 0, wrong = 0, by_target = 0;
  std::thread target([&] {
    for (std::uint64_t passed = 0; passed < kOperations;) {
      for (int in_a_row = 0; in_a_row < 5 && passed < sent.load(std::memory_order_acquire); ++in_a_row) {
        const Turn turn = gate.target.claim();
        if (turn == Turn::kNobody) break;
        if (turn == Turn::kOurs) {
          if (last++ != passed) ++wrong;
          ++by_target;
        }
        gate.target.pass();
        ++passed;
      }
      if (gate.target.held()) gate.target.release();
      if (passed % 97 == 0) sched_yield();
    }
  });
  std::uint64_t number = 0, done = 0;
  while (number < kOperations || done < kOperations) {
    if (number < kOperations && number - done < 20) {
      number = gate.initiator.count_sent();
      sent.store(number, std::memory_order_release);
      if (number % 3 != 0) continue;
    }
    if (const std::uint64_t carried_out = gate.take(); carried_out != kRefused) {
      if (last != carried_out) ++wrong;
      const std::uint64_t until = number % 2 == 0 ? number : carried_out;
      if (until > last) last = until;
      gate.initiator.hand_back(carried_out, until);
      done = until;
    } else {
      sched_yield();
    }
  }
  target.join();
  cr_assert_eq(wrong, 0u);
  cr_assert_eq(last, kOperations);
  cr_assert_gt(by_target, 0u);
}
