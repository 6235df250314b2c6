// SPDX-License-Identifier: BSD-2-Clause
// Both sides stepped by hand: the initiator (a) alone, until it has lost its patience, or the target (b) alone.
#include <criterion/criterion.h>

#include "node.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr unsigned kPatient = 100;     // passes that nobody minds
constexpr unsigned kImpatient = 1000;  // passes that are too many

struct Exposure : Couple {
  explicit Exposure(const EndpointSettings& settings = quick()) : Couple(settings) {
    b.expose(region, 1, memory.data(), memory.size());
    b.passes(3);
    a.passes(3);
  }
  ~Exposure() { b.memory.remove(&region); }

  // Of one byte, at `position`.
  void write(char value, std::size_t position = 0, std::uint32_t flags = kWantCompletion) {
    sent.push_back(std::make_unique<char>(value));
    cr_assert_eq(a.access(WorkType::kWrite, to_b, {position, 1, 1}, sent.back().get(), flags), 0);
  }
  void read(char* to, std::size_t position = 0) {
    cr_assert_eq(a.access(WorkType::kRead, to_b, {position, 1, 1}, to), 0);
  }
  std::size_t pending() { return at_a().withdrawable.size(); }
  unsigned completed(int error = 0) {
    unsigned count = 0;
    for (Event event; a.next(&event); ++count) cr_assert_eq(event.error, error);
    return count;
  }
  // The gate of b's block as a third party sees it.
  SharedWord& gate() {
    return reinterpret_cast<PullLine*>(b.exchange.region->header() + at_b().granted.offset + sizeof(CreditLine))->gate;
  }

  std::string memory = std::string(20'000, '.');
  MemoryRegion region;
  std::vector<std::unique_ptr<char>> sent;
};

}  // namespace

Test(rma_take_over, an_attentive_peer_carries_them_out) {
  Exposure pair;
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
  Exposure pair;
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
  Exposure pair;
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
  Exposure pair;
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
  Exposure pair;
  char got = 0;
  cr_assert_eq(pair.b.receive(&got, 1), 0);
  pair.write('x');
  cr_assert_eq(pair.a.send(pair.to_b, "s", 1), 0);
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
  Exposure pair;
  char got = 0;
  cr_assert_eq(pair.b.receive(&got, 1), 0);
  pair.write('x');
  cr_assert_eq(pair.a.send(pair.to_b, "s", 1), 0);
  pair.a.passes(kImpatient);
  cr_assert_eq(pair.memory[0], 'x');
  cr_assert_eq(got, 0);
  pair.b.progress();
  cr_assert_eq(got, 's');
}

Test(rma_take_over, then_all_goes_directly_for_a_while) {
  Exposure pair;
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
  Exposure pair;
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
  Exposure pair;
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
  cr_assert_eq(pair.memory, std::string(kEach, 'x') + std::string(20'000 - kEach, '.'));
  cr_assert_eq(own, pair.memory);
  pair.a.memory.remove(&back);
}

Test(rma_take_over, injected_bytes_are_the_callers_again) {
  Exposure pair;
  pair.write('x', 0, kInject);
  *pair.sent.back() = '!';
  pair.a.passes(kImpatient);
  cr_assert_eq(pair.memory[0], 'x');
}

Test(rma_take_over, a_region_that_was_closed_meanwhile_is_not_touched) {
  Exposure pair;
  pair.write('x');
  pair.b.memory.remove(&pair.region);
  pair.a.passes(kImpatient);
  cr_assert_eq(pair.completed(EKEYREJECTED), 1u);
  cr_assert_eq(pair.memory[0], '.');
  pair.b.passes(kPatient);
  cr_assert_eq(pair.memory[0], '.');
  cr_assert_eq(pair.at_a().state, PeerState::kConnected);
}

Test(rma_take_over, atomic_operations_and_others_do_not_mix) {
  Exposure pair;
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

Test(rma_take_over, a_dead_target_ends_them) {
  Exposure pair;
  pair.write('x');
  pair.write('y');
  pair.b.crash();
  cr_assert(until([&] { return pair.a.exchange.remotes.in_use() == 0; }, pair.a));
  cr_assert(pair.a.exchange.expected.empty());
}

Test(rma_take_over, a_target_that_died_at_it_ends_them) {
  Exposure pair;
  pair.write('x');
  cr_assert_eq(pair.at_b().channel->incoming_gate().claim(), TargetGate::Turn::kOurs);
  pair.b.crash();
  cr_assert(until([&] { return pair.a.exchange.remotes.in_use() == 0; }, pair.a));
  cr_assert_eq(pair.completed(ECONNRESET), 1u);
  cr_assert_eq(pair.memory[0], '.');
}

Test(rma_take_over, an_initiator_that_died_at_it_is_seen_off) {
  Exposure pair;
  char got = 0;
  cr_assert_eq(pair.b.receive(&got, 1), 0);
  pair.write('x');
  cr_assert_eq(pair.a.send(pair.to_b, "s", 1), 0);
  std::uint64_t carried_out = 0;
  cr_assert(pair.at_a().channel->outgoing_gate().take(&carried_out));
  pair.a.crash();
  cr_assert(until([&] { return pair.at_b().state != PeerState::kConnected; }, pair.b));
  cr_assert(until([&] { return got == 's'; }, pair.b));
  cr_assert_eq(pair.memory[0], '.');
}

Test(rma_take_over, a_gate_that_lies) {
  for (const std::uint64_t word : {GateWord::pack(GateWord::kTarget, 1), GateWord::pack(GateWord::kInitiator, 0),
                                   GateWord::pack(GateWord::kTakenOver, 3), ~std::uint64_t{0}}) {
    Exposure pair;
    pair.write('x');
    pair.gate() = word;
    pair.a.passes(2 * kImpatient);
    cr_assert_eq(pair.completed(), 0u, "nobody's turn");
    cr_assert_eq(pair.at_a().state, PeerState::kConnected);
  }
  Exposure pair;
  pair.write('x');
  pair.gate() = GateWord::pack(GateWord::kOpen, 2);
  cr_assert(until([&] { return pair.a.exchange.remotes.in_use() == 0; }, pair.a));
  cr_assert_eq(pair.completed(EPROTO), 1u, "more than was sent");
}

Test(rma_take_over, what_cannot_be_withdrawn_is_malformed) {
  Exposure pair;
  char byte = 'x';
  const auto write = [&](const RemoteWriteBody& body, std::uint8_t flags) {
    IncomingMessage message = forged(Operation::kRemoteWrite, body, flags | kWithdrawable, 1, &byte);
    message.tag = 1;
    return on_remote_write(pair.b.exchange, pair.at_b(), message);
  };
  cr_assert_eq(write({0, 1, 0, 0, 1}, kInArea), Verdict::kMalformed, "a part of a write");
  cr_assert_eq(write({0, 1, 5, 0, 1}, kInArea | kHasRemoteData), Verdict::kMalformed);
  const auto read = [&](std::uint64_t length) {
    IncomingMessage message = forged(Operation::kRemoteRead, RemoteReadBody{5, 0, length, 0, 1, 0}, kWithdrawable);
    message.tag = 1;
    return on_remote_read(pair.b.exchange, pair.at_b(), message);
  };
  cr_assert_eq(read(0), Verdict::kMalformed);
  cr_assert_eq(read(pair.at_b().channel->max_payload() + 1), Verdict::kMalformed);
}

Test(rma_take_over, large_ones_go_directly) {
  Exposure pair;
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
