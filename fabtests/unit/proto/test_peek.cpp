// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "node.h"
#include "proto/peek.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

struct Peeking : Couple {
  WorkRequest work(std::uint32_t flags, std::uint64_t tag, std::size_t length = 0) {
    segment = {in.data(), length};
    return b.request(WorkType::kTaggedReceive, flags | kWantCompletion, &segment, length != 0, kAnyAddress, tag, 0);
  }
  int peek(std::uint32_t flags, std::uint64_t tag, void* context = nullptr) {
    WorkRequest request = work(flags | kPeek, tag);
    request.context = context;
    return peek_message(b.exchange, request);
  }
  int claim(void* context, std::size_t length, std::uint32_t flags = kClaim) {
    WorkRequest request = work(flags, 0, length);
    request.context = context;
    return receive_claimed(b.exchange, request);
  }
  void arrive(std::size_t length, std::uint64_t tag) {
    cr_assert_eq(a.send(to_b, bytes.data(), length, tag), 0);
    b.passes(2);
  }

  const std::vector<unsigned char> bytes = bytes_of(100'000);
  std::vector<unsigned char> in = std::vector<unsigned char>(100'000);
  iovec segment{};
  char one = 0, other = 0;  // contexts
};

}  // namespace

Test(peek, nothing_there_is_an_error_entry) {
  Peeking peeking;
  cr_assert_eq(peeking.peek(0, 1, &peeking.one), 0);
  const Event event = await(peeking.b);
  cr_assert_eq(event.error, ENOMSG);
  cr_assert_eq(event.completion.context, &peeking.one);
}

Test(peek, tells_of_a_message_and_leaves_it) {
  Peeking peeking;
  for (const std::size_t length : {std::size_t{10}, std::size_t{100'000}}) {
    peeking.arrive(length, 1);
    for (unsigned i = 0; i < 2; ++i) {
      cr_assert_eq(peeking.peek(0, 1), 0);
      const Event event = await(peeking.b);
      cr_assert_eq(event.error, 0);
      cr_assert_eq(event.completion.length, length);
      cr_assert_eq(event.completion.source, peeking.to_a);
    }
    cr_assert_eq(peeking.b.receive(peeking.in.data(), length, 1), 0);
    cr_assert_eq(await(peeking.b, peeking.a).completion.length, length);
  }
}

Test(peek, a_claimed_message_is_for_its_context_only) {
  Peeking peeking;
  peeking.arrive(10, 1);
  peeking.arrive(20, 1);
  cr_assert_eq(peeking.peek(kClaim, 1, &peeking.one), 0);
  cr_assert_eq(await(peeking.b).completion.length, 10u);
  cr_assert_eq(peeking.claim(&peeking.other, 100), -ENOMSG);
  cr_assert_eq(peeking.b.receive(peeking.in.data(), 100, 1), 0);
  cr_assert_eq(await(peeking.b).completion.length, 20u);
  cr_assert_eq(peeking.claim(&peeking.one, 100), 0);
  cr_assert_eq(await(peeking.b).completion.length, 10u);
  cr_assert_eq(peeking.claim(&peeking.one, 100), -ENOMSG);
}

Test(peek, a_claimed_announcement_is_fetched) {
  Peeking peeking;
  peeking.arrive(100'000, 1);
  cr_assert_eq(peeking.peek(kClaim, 1, &peeking.one), 0);
  cr_assert_eq(await(peeking.b).completion.length, 100'000u);
  cr_assert_eq(peeking.claim(&peeking.one, 100'000), 0);
  cr_assert_eq(await(peeking.b, peeking.a).completion.length, 100'000u);
  cr_assert(peeking.in == peeking.bytes);
}

Test(peek, a_discarded_message_is_gone_and_its_sender_told) {
  Peeking peeking;
  for (const bool claimed_first : {false, true}) {
    peeking.arrive(100'000, 1);
    if (claimed_first) {
      cr_assert_eq(peeking.peek(kClaim, 1, &peeking.one), 0);
      await(peeking.b);
      cr_assert_eq(peeking.claim(&peeking.one, 0, kClaim | kDiscard), 0);
    } else {
      cr_assert_eq(peeking.peek(kDiscard, 1), 0);
    }
    cr_assert_eq(await(peeking.b).completion.length, 100'000u);
    cr_assert_eq(await(peeking.a).error, 0);
    cr_assert_eq(peeking.b.exchange.unexpected.in_use(), 0u);
    cr_assert_eq(peeking.at_b().unexpected_bytes, 0u);
  }
}

Test(peek, only_what_takes_a_message_is_counted) {
  Peeking peeking;
  Counter received;
  peeking.b.exchange.receive_counter = &received;
  cr_assert_eq(peeking.peek(0, 1), 0);
  peeking.arrive(10, 1);
  cr_assert_eq(peeking.peek(0, 1), 0);
  cr_assert_eq(peeking.peek(kClaim, 1, &peeking.one), 0);
  cr_assert_eq(received.value() + received.errors(), 0u);
  cr_assert_eq(peeking.claim(&peeking.one, 10), 0);
  cr_assert_eq(received.value(), 1u);
  peeking.arrive(10, 2);
  cr_assert_eq(peeking.peek(kDiscard, 2), 0);
  cr_assert_eq(received.value(), 2u);
  cr_assert_eq(received.errors(), 0u);
}
