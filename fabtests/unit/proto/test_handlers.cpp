// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "node.h"
#include "proto/handlers.h"

using namespace anchor;
using namespace anchor::unit;

Test(handlers, unknown_operations_are_malformed) {
  Couple couple;
  for (unsigned operation = 0; operation < 256; ++operation) {
    if (operation != 0 && operation < kOperationCount) continue;
    const auto message = forged(static_cast<Operation>(operation), AreaBody{});
    cr_assert_eq(handle(couple.a.exchange, couple.at_a(), message), Verdict::kMalformed);
  }
}

Test(handlers, who_was_asked_answers_before_anything_else) {
  Place place;
  Node a(place.device, "a"), b(place.device, "b");
  seek_peer(a.exchange, a.peer("b"));
  cr_assert_eq(a.peer("b").state, PeerState::kAsked);
  for (const Operation operation :
       {Operation::kEager, Operation::kTaggedEager, Operation::kAnnounce, Operation::kTaggedAnnounce,
        Operation::kClearToSend, Operation::kChunk, Operation::kFinish}) {
    cr_assert_eq(handle(a.exchange, a.peer("b"), forged(operation, AreaBody{}, 0, 0, "")), Verdict::kMalformed);
  }
  cr_assert_eq(a.exchange.tagged.unexpected() + a.exchange.untagged.unexpected(), 0u);
}

Test(handlers, each_operation_is_handled_by_its_own) {
  Couple couple;
  const auto verdict = [&](Operation operation) {
    return handle(couple.a.exchange, couple.at_a(), forged(operation, AreaBody{}, 0, 0, ""));
  };
  cr_assert_eq(verdict(Operation::kGrant), Verdict::kMalformed);
  cr_assert_eq(verdict(Operation::kRefuse), Verdict::kMalformed);
  cr_assert_eq(verdict(Operation::kEager), Verdict::kTaken);
  cr_assert_eq(couple.a.exchange.untagged.unexpected(), 1u);
  cr_assert_eq(verdict(Operation::kTaggedEager), Verdict::kTaken);
  cr_assert_eq(couple.a.exchange.tagged.unexpected(), 1u);
  cr_assert_eq(verdict(Operation::kAnnounce), Verdict::kMalformed);
  cr_assert_eq(verdict(Operation::kTaggedAnnounce), Verdict::kMalformed);
  cr_assert_eq(verdict(Operation::kClearToSend), Verdict::kMalformed);
  cr_assert_eq(verdict(Operation::kChunk), Verdict::kMalformed);
  cr_assert_eq(verdict(Operation::kFinish), Verdict::kMalformed);
  cr_assert_eq(couple.at_a().state, PeerState::kConnected);
  cr_assert_eq(verdict(Operation::kGoodbye), Verdict::kTaken);
  cr_assert_eq(couple.at_a().state, PeerState::kLeaving);
}
