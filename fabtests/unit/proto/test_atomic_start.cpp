// SPDX-License-Identifier: BSD-2-Clause
#include "atomic_pair.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

IncomingMessage reply(std::uint64_t request, std::uint8_t flags = 0, std::uint32_t length = 0,
                      const void* payload = nullptr) {
  IncomingMessage message = forged(Operation::kAtomicReply, std::uint64_t{55}, flags, length, payload);
  message.tag = request;
  return message;
}

std::uint64_t only_request(Exchange& exchange) {
  std::uint64_t id = 0;
  exchange.remotes.for_each([&](RemoteRequest* request) { id = exchange.remotes.id(request); });
  return id;
}

}  // namespace

Test(atomic_start, the_answer_brings_result_and_completion) {
  AtomicPair pair;
  std::uint64_t operand[512], result[512];
  for (const std::size_t count : {std::size_t{1}, std::size_t{2}, std::size_t{5}, std::size_t{6}, std::size_t{512}}) {
    for (std::size_t i = 0; i < count; ++i) {
      operand[i] = i + 1;
      pair.words[i] = 10 * i;
      result[i] = ~0ull;
    }
    cr_assert_eq(pair.begin(count, operand, result), 0);
    Event event;
    cr_assert_not(pair.a.next(&event), "nobody has answered yet");
    event = await(pair.a, pair.b);
    cr_assert_eq(event.error, 0);
    cr_assert_eq(event.completion.flags, kCompletionAtomic | kCompletionRead);
    cr_assert_eq(event.completion.context, static_cast<void*>(operand));
    for (std::size_t i = 0; i < count; ++i) {
      cr_assert_eq(result[i], 10 * i);
      cr_assert_eq(pair.words[i], 11 * i + 1);
    }
  }
  cr_assert_eq(pair.a.exchange.remotes.in_use(), 0u);
  cr_assert_eq(pair.at_a().unanswered, 0u);
}

Test(atomic_start, base_operations_are_answered_too) {
  AtomicPair pair;
  std::uint64_t operand = 4;
  cr_assert_eq(pair.begin(1, &operand, nullptr, WorkType::kAtomic), 0);
  const Event event = await(pair.a, pair.b);
  cr_assert_eq(event.completion.flags, kCompletionAtomic | kCompletionWrite);
  cr_assert_eq(pair.words[0], 4u);
}

Test(atomic_start, a_full_fifo_keeps_nothing) {
  AtomicPair pair;
  std::uint64_t operand = 1, result = 0;
  unsigned begun = 0;
  while (pair.begin(1, &operand, &result) == 0) ++begun;
  cr_assert_geq(begun, 16u);
  cr_assert_eq(pair.a.exchange.remotes.in_use(), begun);
  cr_assert(pair.at_a().waiting.empty());
  for (unsigned i = 0; i < begun; ++i) cr_assert_eq(await(pair.a, pair.b).error, 0);
  cr_assert_eq(pair.words[0], begun);
}

Test(atomic_start, no_more_than_transmit_size_are_outstanding) {
  EndpointSettings settings = quick();
  settings.transmit_size = 3;
  AtomicPair pair(settings);
  std::uint64_t operand = 1, result = 0;
  for (int i = 0; i < 3; ++i) cr_assert_eq(pair.begin(1, &operand, &result), 0);
  cr_assert_eq(pair.begin(1, &operand, &result), -EAGAIN);
  await(pair.a, pair.b);
  cr_assert_eq(pair.begin(1, &operand, &result), 0);
}

Test(atomic_start, waits_for_reads_that_the_peer_answers_at_its_leisure) {
  AtomicPair pair;
  std::uint64_t operand = 1, result = 0;
  ++pair.at_a().unanswered_reads;
  cr_assert_eq(pair.begin(1, &operand, &result), -EAGAIN);
  --pair.at_a().unanswered_reads;
  cr_assert_eq(pair.begin(1, &operand, &result), 0);
}

Test(atomic_start, a_fenced_one_waits_and_its_operand_is_copied) {
  AtomicPair pair;
  std::uint64_t first = 1, second = 2, results[2] = {77, 77};
  cr_assert_eq(pair.begin(1, &first, &results[0]), 0);
  cr_assert_eq(pair.begin(1, &second, &results[1], WorkType::kFetchAtomic, kWantCompletion | kFence), 0);
  second = 1000;
  pair.a.passes(3);
  cr_assert_not(pair.at_a().waiting.empty());
  await(pair.a, pair.b);
  await(pair.a, pair.b);
  cr_assert_eq(results[1], 1u);
  cr_assert_eq(pair.words[0], 3u);
}

Test(atomic_start, what_waits_for_a_connection_is_sent_then) {
  Place place;
  Node a(place.device, "a"), b(place.device, "b");
  const std::uint64_t to_b = a.insert("b");
  MemoryRegistry registry;
  std::uint64_t word = 5, result = 0;
  MemoryRegion region;
  region.key = 1;
  region.rights = kRemoteRead | kRemoteWrite;
  region.segment_count = 1;
  region.segments[0] = {&word, 8};
  cr_assert_eq(registry.reserve(&region), 0);
  cr_assert_eq(registry.enable(&region), 0);
  b.exchange.memory = &registry;
  {
    std::uint64_t operand = 2;
    const iovec operands{&operand, 8}, results{&result, 8};
    const RemoteTarget target{0, 8, 1};
    AtomicWork work{
        .remote = {a.request(WorkType::kFetchAtomic, kWantCompletion | kInject, &operands, 1, to_b, 0, 0), 1, &target},
        .type = AtomicType::kUint64,
        .operation = AtomicOperation::kProduct};
    work.result_count = 1;
    work.results = &results;
    cr_assert_eq(begin_atomic(a.exchange, a.peer("b"), work), 0);
    operand = 99;
  }
  cr_assert_eq(await(a, b).error, 0);
  cr_assert_eq(result, 5u);
  cr_assert_eq(word, 10u);
  registry.remove(&region);
}

Test(atomic_start, replies_that_no_honest_peer_sends) {
  AtomicPair pair;
  std::uint64_t operand[6] = {}, result[6] = {77, 77, 77, 77, 77, 77};
  std::byte payload[48] = {};
  cr_assert_eq(pair.begin(6, operand, result), 0);
  const std::uint64_t id = only_request(pair.a.exchange);
  cr_assert_eq(on_atomic_reply(pair.a.exchange, pair.at_a(), reply(id + 1)), Verdict::kMalformed, "no such request");
  cr_assert_eq(on_atomic_reply(pair.a.exchange, pair.at_a(), reply(id)), Verdict::kMalformed, "more than a slot has");
  cr_assert_eq(on_atomic_reply(pair.a.exchange, pair.at_a(), reply(id, kInArea, 40, payload)), Verdict::kMalformed);
  cr_assert_eq(on_atomic_reply(pair.a.exchange, pair.at_a(), reply(id, kInArea, 56, payload)), Verdict::kMalformed);
  cr_assert_eq(on_atomic_reply(pair.a.exchange, pair.a.peer("c"), reply(id, kInArea, 48, payload)), Verdict::kMalformed,
               "another peer's request");
  for (const std::uint64_t word : result) cr_assert_eq(word, 77u);
  cr_assert_eq(on_atomic_reply(pair.a.exchange, pair.at_a(), reply(id, kInArea, 48, payload)), Verdict::kTaken);
  cr_assert_eq(on_atomic_reply(pair.a.exchange, pair.at_a(), reply(id, kInArea, 48, payload)), Verdict::kMalformed,
               "only once");
  cr_assert_eq(pair.begin(1, operand, nullptr, WorkType::kAtomic), 0);
  cr_assert_eq(on_atomic_reply(pair.a.exchange, pair.at_a(), reply(only_request(pair.a.exchange))), Verdict::kMalformed,
               "a base operation has no result");
}

Test(atomic_start, a_lost_peer_ends_all_of_them) {
  AtomicPair pair;
  std::uint64_t operand = 1, result = 77;
  cr_assert_eq(pair.begin(1, &operand, &result), 0);
  cr_assert_eq(pair.begin(1, &operand, &result, WorkType::kFetchAtomic, kWantCompletion | kFence), 0);
  pair.b.crash();
  for (int i = 0; i < 2; ++i) cr_assert_eq(await(pair.a).error, ECONNRESET);
  cr_assert_eq(result, 77u);
  cr_assert_eq(pair.a.exchange.remotes.in_use(), 0u);
}
