// SPDX-License-Identifier: BSD-2-Clause
// Taking over from one that has died, or lies.
#include <criterion/criterion.h>

#include "impatient_pair.h"

using namespace anchor;
using namespace anchor::unit;

Test(rma_take_over_failures, a_region_that_was_closed_meanwhile_is_not_touched) {
  ImpatientPair pair;
  pair.write('x');
  pair.b.memory.remove(&pair.region);
  pair.a.passes(kImpatient);
  cr_assert_eq(pair.completed(EKEYREJECTED), 1u);
  cr_assert_eq(pair.memory[0], '.');
  pair.b.passes(kPatient);
  cr_assert_eq(pair.memory[0], '.');
  cr_assert_eq(pair.at_a().state, PeerState::kConnected);
}

Test(rma_take_over_failures, a_dead_target_ends_them) {
  ImpatientPair pair;
  pair.write('x');
  pair.write('y');
  pair.b.crash();
  cr_assert(until([&] { return pair.a.exchange.remotes.in_use() == 0; }, pair.a));
  cr_assert(pair.a.exchange.expected.empty());
}

Test(rma_take_over_failures, a_target_that_died_at_it_ends_them) {
  ImpatientPair pair;
  pair.write('x');
  cr_assert_eq(pair.at_b().channel->incoming_gate().claim(), TargetGate::Turn::kOurs);
  pair.b.crash();
  cr_assert(until([&] { return pair.a.exchange.remotes.in_use() == 0; }, pair.a));
  cr_assert_eq(pair.completed(ECONNRESET), 1u);
  cr_assert_eq(pair.memory[0], '.');
}

Test(rma_take_over_failures, an_initiator_that_died_at_it_is_seen_off) {
  ImpatientPair pair;
  char got = 0;
  pair.write_and_send('x', &got);
  std::uint64_t carried_out = 0;
  cr_assert(pair.at_a().channel->outgoing_gate().take(&carried_out));
  pair.a.crash();
  cr_assert(until([&] { return pair.at_b().state != PeerState::kConnected; }, pair.b));
  cr_assert(until([&] { return got == 's'; }, pair.b));
  cr_assert_eq(pair.memory[0], '.');
}

Test(rma_take_over_failures, a_gate_that_lies) {
  for (const std::uint64_t word : {GateWord::pack(GateWord::kTarget, 1), GateWord::pack(GateWord::kInitiator, 0),
                                   GateWord::pack(GateWord::kTakenOver, 3), ~std::uint64_t{0}}) {
    ImpatientPair pair;
    pair.write('x');
    pair.gate() = word;
    pair.a.passes(2 * kImpatient);
    cr_assert_eq(pair.completed(), 0u, "nobody's turn");
    cr_assert_eq(pair.at_a().state, PeerState::kConnected);
  }
  ImpatientPair pair;
  pair.write('x');
  pair.gate() = GateWord::pack(GateWord::kOpen, 2);
  cr_assert(until([&] { return pair.a.exchange.remotes.in_use() == 0; }, pair.a));
  cr_assert_eq(pair.completed(EPROTO), 1u, "more than was sent");
}

Test(rma_take_over_failures, what_cannot_be_withdrawn_is_malformed) {
  ImpatientPair pair;
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
