// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <algorithm>
#include <string>

#include "impatient_pair.h"

using namespace anchor;
using namespace anchor::unit;

Test(rma_take_over, an_attentive_peer_carries_them_out) {
  ImpatientPair pair;
  char got = 0;
  pair.write('x');
  pair.read(&got);
  cr_assert_eq(pair.pending(), 2u);
  pair.a.passes(kPatient);
  cr_assert_eq(pair.memory[0], '.', "it is patient");
  pair.b.progress();
  cr_assert_eq(pair.memory[0], 'x');
  pair.a.progress();
  cr_assert_eq(got, 'x');
  cr_assert_eq(pair.completed(), 2u);
  cr_assert_eq(pair.pending() + pair.at_a().unanswered + pair.a.exchange.remotes.in_use(), 0u);
  cr_assert(pair.a.exchange.expected.empty());
}

Test(rma_take_over, an_absent_one_is_not_needed) {
  ImpatientPair pair;
  char got = 0;
  pair.write('x');
  pair.read(&got);
  pair.write('y');
  pair.a.passes(kImpatient);
  cr_assert_eq(pair.completed(), 3u);
  cr_assert_eq(got, 'x');
  cr_assert_eq(pair.memory[0], 'y');
  cr_assert_eq(pair.a.exchange.remotes.in_use(), 0u);
  // What the target finds later is over and done with.
  pair.memory[0] = 'b';
  pair.b.passes(kPatient);
  pair.a.passes(kPatient);
  cr_assert_eq(pair.memory[0], 'b');
  cr_assert_eq(pair.at_a().state, PeerState::kConnected);
  cr_assert_eq(pair.completed(), 0u);
}

Test(rma_take_over, what_the_peer_has_carried_out_is_not_done_again) {
  ImpatientPair pair;
  pair.write('x', 0);
  pair.b.progress();
  pair.memory[0] = 'b';  // the target's application has seen it
  pair.write('y', 1);
  // Without reading its FIFO the initiator knows from the gate how far the target is.
  for (unsigned i = 0; i < kImpatient; ++i) take_over_stalled(pair.a.exchange);
  cr_assert_eq(pair.memory[0], 'b');
  cr_assert_eq(pair.memory[1], 'y');
  cr_assert_eq(pair.completed(), 1u);
  cr_assert_eq(pair.pending(), 1u, "the answer to the first is still to be read");
  pair.a.passes(kPatient);
  cr_assert_eq(pair.completed(), 1u);
  pair.b.passes(kPatient);
  cr_assert_eq(pair.memory[1], 'y');
}

Test(rma_take_over, one_that_is_at_it_is_waited_for) {
  ImpatientPair pair;
  pair.write('x');
  TargetGate& gate = pair.at_b().channel->incoming_gate();
  cr_assert_eq(gate.claim(), TargetGate::Turn::kOurs);
  pair.a.passes(2 * kImpatient);
  cr_assert_eq(pair.memory[0], '.');
  cr_assert_eq(pair.completed(), 0u);
  gate.release();
  pair.a.passes(2);
  cr_assert_eq(pair.memory[0], 'x');
  cr_assert_eq(pair.completed(), 1u);
}

Test(rma_take_over, nothing_overtakes_what_is_being_taken_over) {
  ImpatientPair pair;
  char got = 0;
  pair.write_and_send('x', &got);
  std::uint64_t carried_out = 0;
  InitiatorGate& gate = pair.at_a().channel->outgoing_gate();
  cr_assert(gate.take(&carried_out));
  pair.b.passes(kImpatient);
  cr_assert_eq(got, 0, "a message behind a write that nobody has carried out");
  cr_assert_eq(pair.memory[0], '.');
  gate.hand_back(carried_out, carried_out);
  pair.b.progress();
  cr_assert_eq(got, 's');
  cr_assert_eq(pair.memory[0], 'x');
}

Test(rma_take_over, messages_behind_arrive_after) {
  ImpatientPair pair;
  char got = 0;
  pair.write_and_send('x', &got);
  pair.a.passes(kImpatient);
  cr_assert_eq(pair.memory[0], 'x');
  cr_assert_eq(got, 0);
  pair.b.progress();
  cr_assert_eq(got, 's');
}

Test(rma_take_over, then_all_goes_directly_for_a_while) {
  ImpatientPair pair;
  pair.write('x');
  pair.a.passes(kImpatient);
  for (std::uint32_t i = 0; i < Attention::kFirstPenalty; ++i) {
    pair.write(static_cast<char>('a' + i % 26));
    cr_assert_eq(pair.memory[0], static_cast<char>('a' + i % 26), "in the call");
    cr_assert_eq(pair.pending(), 0u);
    pair.a.progress();  // or the next one would wait for it
  }
  pair.write('y');
  cr_assert_eq(pair.pending(), 0u, "the peer has not even come to the first one");
  pair.b.progress();
  pair.write('z');
  cr_assert_eq(pair.pending(), 1u, "it is given another chance");
  pair.a.passes(kImpatient);
  cr_assert_eq(pair.at_a().attention.direct_left, 2 * Attention::kFirstPenalty);
}

Test(rma_take_over, a_target_that_cannot_answer_carries_out_nothing) {
  ImpatientPair pair;
  unsigned filled = 0;
  while (pair.at_b().channel->has_room()) {
    cr_assert_eq(pair.b.send(pair.to_a, "f", 1), 0);
    ++filled;
  }
  pair.write('x');
  pair.b.passes(kPatient);
  cr_assert_eq(pair.memory[0], '.', "or nobody would be told that it is done");
  char got;
  while (filled-- > 0) cr_assert_eq(pair.a.receive(&got, 1), 0);
  cr_assert(until([&] { return pair.memory[0] == 'x'; }, pair.a, pair.b));
}

Test(rma_take_over, two_that_fill_each_others_fifos) {
  ImpatientPair pair;
  MemoryRegion back;
  std::string own(20'000, '.');
  pair.a.expose(back, 2, own.data(), own.size());
  constexpr std::size_t kEach = 1000;
  for (std::size_t i = 0; i < kEach; ++i) {
    pair.write('x', i);
    cr_assert_eq(pair.b.access(WorkType::kWrite, pair.to_a, {i, 1, 2}, pair.sent.back().get()), 0);
  }
  const auto all_done = [&] { return pair.a.exchange.remotes.in_use() == 0 && pair.b.exchange.remotes.in_use() == 0; };
  cr_assert(until(all_done, pair.a, pair.b));
  cr_assert_eq(own, std::string(kEach, 'x') + std::string(20'000 - kEach, '.'));
  cr_assert(std::equal(own.begin(), own.end(), pair.memory.begin()));
  pair.a.memory.remove(&back);
}

Test(rma_take_over, injected_bytes_are_the_callers_again) {
  ImpatientPair pair;
  pair.write('x', 0, kInject);
  *pair.sent.back() = '!';
  pair.a.passes(kImpatient);
  cr_assert_eq(pair.memory[0], 'x');
}

Test(rma_take_over, atomic_operations_and_others_do_not_mix) {
  ImpatientPair pair;
  pair.at_a().unanswered += 1;  // as if the peer had still to answer an atomic operation
  pair.write('x');
  cr_assert_eq(pair.pending(), 0u);
  cr_assert_eq(pair.at_a().waiting.size(), 1u);
  pair.at_a().unanswered -= 1;
  pair.a.progress();
  cr_assert_eq(pair.pending(), 1u);
  pair.a.passes(kImpatient);
  cr_assert_eq(pair.completed(), 1u);
}

Test(rma_take_over, large_ones_go_directly) {
  ImpatientPair pair;
  std::string large(15'000, 'l');
  cr_assert_eq(pair.a.access(WorkType::kWrite, pair.to_b, {0, large.size(), 1}, large.data()), 0);
  cr_assert_eq(pair.memory[14'999], 'l');
  pair.write('x');
  cr_assert_eq(pair.a.access(WorkType::kWrite, pair.to_b, {0, large.size(), 1}, large.data()), 0);
  cr_assert_eq(pair.at_a().waiting.size(), 1u, "behind the small one");
  pair.a.passes(kImpatient);
  cr_assert_eq(pair.completed(), 3u);
  cr_assert_eq(pair.memory[0], 'l');
}
