// SPDX-License-Identifier: BSD-2-Clause
#include "atomic_pair.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

// A request for an addition to the first word, as it comes out of the FIFO: body and operand in the slot.
struct Request {
  AtomicBody body{.offset = 0,
                  .type = static_cast<std::uint8_t>(AtomicType::kUint64),
                  .operation = static_cast<std::uint8_t>(AtomicOperation::kSum),
                  .family = static_cast<std::uint8_t>(AtomicClass::kFetch),
                  .target_count = 1,
                  .length = 8,
                  .reserved = 0,
                  .request = 1};
  std::uint64_t operand[2] = {1, 0};

  IncomingMessage in_slot(std::uint32_t length = sizeof(AtomicBody) + 8) const {
    IncomingMessage message = forged(Operation::kAtomic, *this, 0, length);
    message.tag = kWordsKey;
    message.payload = reinterpret_cast<const std::byte*>(this);
    return message;
  }
  IncomingMessage in_area(const void* payload, std::uint32_t length) const {
    IncomingMessage message = forged(Operation::kAtomic, body, kInArea, length, payload);
    message.tag = kWordsKey;
    return message;
  }
};
static_assert(sizeof(Request) == kInlineSize);

Verdict serve(AtomicPair& pair, const IncomingMessage& message) {
  return on_atomic(pair.b.exchange, pair.at_b(), message);
}

// What comes to `a`, without anybody taking it.
std::int64_t answered_status(AtomicPair& pair) {
  const IncomingMessage* message = pair.at_a().channel->peek();
  cr_assert_not_null(message);
  cr_assert(message->operation == Operation::kRemoteFinish);
  const std::int64_t status = message->body_as<RemoteFinishBody>().status;
  pair.at_a().channel->consume();
  return status;
}

}  // namespace

Test(atomic_serve, an_honest_request) {
  AtomicPair pair;
  pair.words[0] = 41;
  const Request request;
  cr_assert_eq(serve(pair, request.in_slot()), Verdict::kTaken);
  cr_assert_eq(pair.words[0], 42u);
  const IncomingMessage* answer = pair.at_a().channel->peek();
  cr_assert(answer->operation == Operation::kAtomicReply);
  cr_assert_eq(answer->tag, 1u);
  cr_assert_eq(answer->body[0], 41u);
}

Test(atomic_serve, malformed_ones) {
  AtomicPair pair;
  const auto malformed = [&](auto&& change, std::uint32_t length = sizeof(AtomicBody) + 8) {
    Request request;
    change(request);
    return serve(pair, request.in_slot(length)) == Verdict::kMalformed;
  };
  const auto unchanged = [](Request&) {};
  cr_assert(malformed(unchanged, 0));
  cr_assert(malformed(unchanged, sizeof(AtomicBody) - 1));
  cr_assert(malformed(unchanged, sizeof(AtomicBody)), "no operand");
  cr_assert(malformed(unchanged, sizeof(AtomicBody) + 16), "too much of it");
  cr_assert(malformed([](Request& r) { r.body.type = kAtomicTypeCount; }));
  cr_assert(malformed([](Request& r) { r.body.operation = kAtomicOperationCount; }));
  cr_assert(malformed([](Request& r) { r.body.operation = 255; }));
  cr_assert(malformed([](Request& r) { r.body.family = kAtomicClassCount; }));
  cr_assert(malformed([](Request& r) { r.body.family = static_cast<std::uint8_t>(AtomicClass::kCompare); }));
  cr_assert(malformed([](Request& r) { r.body.length = 0; }));
  cr_assert(malformed([](Request& r) { r.body.length = 7; }));
  cr_assert(malformed([](Request& r) { r.body.length = 16; }));
  cr_assert(malformed([](Request& r) { r.body.length = kMaxAtomicSize + 8; }));
  cr_assert(malformed([](Request& r) { r.body.length = 0xfffffff8; }));
  cr_assert(malformed([](Request& r) { r.body.target_count = 0; }));
  cr_assert(malformed([](Request& r) { r.body.target_count = 2; }));
  cr_assert(malformed([](Request& r) { r.body.target_count = 255; }));
  cr_assert_eq(pair.words[0], 0u);
}

Test(atomic_serve, malformed_lists_of_targets) {
  AtomicPair pair;
  struct {
    RemoteTarget targets[2] = {{0, 8, kWordsKey}, {8, 8, kWordsKey}};
    std::uint64_t operand[2] = {3, 4};
  } payload;
  Request request;
  request.body.target_count = 2;
  request.body.length = 16;
  cr_assert_eq(serve(pair, request.in_area(&payload, sizeof payload)), Verdict::kTaken);
  cr_assert_eq(pair.words[0], 3u);
  cr_assert_eq(pair.words[1], 4u);
  cr_assert_eq(serve(pair, request.in_area(&payload, sizeof payload - 8)), Verdict::kMalformed);
  cr_assert_eq(serve(pair, request.in_area(&payload, 40)), Verdict::kMalformed);
  payload.targets[1].length = 16;
  cr_assert_eq(serve(pair, request.in_area(&payload, sizeof payload)), Verdict::kMalformed, "longer than all");
  payload.targets[0].length = 4;
  payload.targets[1].length = 12;
  cr_assert_eq(serve(pair, request.in_area(&payload, sizeof payload)), Verdict::kMalformed, "half an element");
  payload.targets[0].length = ~0ull - 7;
  payload.targets[1].length = 24;
  cr_assert_eq(serve(pair, request.in_area(&payload, sizeof payload)), Verdict::kMalformed, "round the end");
}

Test(atomic_serve, refusals_are_told) {
  AtomicPair pair;
  Request request;
  IncomingMessage message = request.in_slot();
  message.tag = kWordsKey + 1;
  cr_assert_eq(serve(pair, message), Verdict::kTaken);
  cr_assert_eq(answered_status(pair), -EKEYREJECTED);
  message = request.in_slot();
  message.data = sizeof pair.words - 4;
  cr_assert_eq(serve(pair, message), Verdict::kTaken);
  cr_assert_eq(answered_status(pair), -ERANGE);
  pair.region.rights = kRemoteWrite;
  cr_assert_eq(serve(pair, request.in_slot()), Verdict::kTaken);
  cr_assert_eq(answered_status(pair), -EACCES);
  pair.b.exchange.memory = nullptr;
  cr_assert_eq(serve(pair, request.in_slot()), Verdict::kTaken);
  cr_assert_eq(answered_status(pair), -EKEYREJECTED);
  cr_assert_eq(pair.words[0], 0u);
}

// A region's segments are pieces of one array, but no element may lie in two of them.
Test(atomic_serve, elements_across_segments) {
  AtomicPair pair;
  MemoryRegion parts;
  parts.key = 9;
  parts.rights = kRemoteRead | kRemoteWrite;
  parts.segment_count = 2;
  parts.segments[0] = {pair.words + 100, 16};
  parts.segments[1] = {pair.words + 200, 20};
  cr_assert_eq(pair.registry.reserve(&parts), 0);
  cr_assert_eq(pair.registry.enable(&parts), 0);
  const std::uint64_t operand[3] = {1, 2, 3};
  Request request;
  request.body.family = static_cast<std::uint8_t>(AtomicClass::kBase);
  request.body.length = sizeof operand;
  IncomingMessage message = request.in_area(operand, sizeof operand);
  message.tag = 9;
  cr_assert_eq(serve(pair, message), Verdict::kTaken);
  cr_assert_eq(answered_status(pair), 0);
  cr_assert_eq(pair.words[100], 1u);
  cr_assert_eq(pair.words[101], 2u);
  cr_assert_eq(pair.words[200], 3u);
  message.data = 4;
  cr_assert_eq(serve(pair, message), Verdict::kTaken);
  cr_assert_eq(answered_status(pair), -EINVAL);
  cr_assert_eq(pair.words[100], 1u);
  pair.registry.remove(&parts);
}

Test(atomic_serve, counters) {
  AtomicPair pair;
  Counter region_reads, region_writes, reads, writes;
  pair.registry.count_with(&pair.region, &region_reads, kRemoteRead);
  pair.registry.count_with(&pair.region, &region_writes, kRemoteWrite);
  pair.b.exchange.remote_read_counter = &reads;
  pair.b.exchange.remote_write_counter = &writes;
  Request request;
  cr_assert_eq(serve(pair, request.in_slot()), Verdict::kTaken);
  request.body.family = static_cast<std::uint8_t>(AtomicClass::kBase);
  cr_assert_eq(serve(pair, request.in_slot()), Verdict::kTaken);
  cr_assert_eq(serve(pair, request.in_slot()), Verdict::kTaken);
  IncomingMessage wrong = request.in_slot();
  wrong.tag = 99;
  cr_assert_eq(serve(pair, wrong), Verdict::kTaken);
  cr_assert_eq(reads.value(), 1u);
  cr_assert_eq(writes.value(), 2u);
  cr_assert_eq(region_reads.value(), 1u);
  cr_assert_eq(region_writes.value(), 2u);
}

Test(atomic_serve, without_access_events_regions_count_alone) {
  EndpointSettings settings = quick();
  settings.access_events = false;
  AtomicPair pair(settings);
  Counter region_reads, reads;
  pair.registry.count_with(&pair.region, &region_reads, kRemoteRead);
  pair.b.exchange.remote_read_counter = &reads;
  Request request;
  cr_assert_eq(serve(pair, request.in_slot()), Verdict::kTaken);
  cr_assert_eq(region_reads.value(), 1u);
  cr_assert_eq(reads.value(), 0u);
}

// Large answers that find the FIFO full are kept, up to a limit; then the peer's requests wait.
Test(atomic_serve, answers_that_nobody_collects) {
  EndpointSettings settings = quick();
  settings.unexpected_limit = 20'000;
  AtomicPair pair(settings);
  std::uint64_t operand[512] = {};
  Request request;
  request.body.length = sizeof operand;
  const IncomingMessage message = request.in_area(operand, sizeof operand);
  unsigned taken = 0;
  while (serve(pair, message) == Verdict::kTaken) ++taken;
  cr_assert_gt(pair.at_b().replies.size(), 3u);
  cr_assert_leq(pair.at_b().owed_bytes, 20'000u + sizeof operand);
  cr_assert_lt(taken, 20u);
  for (unsigned collected = 0; collected < taken; ++collected) {
    cr_assert(until([&] { return pair.at_a().channel->peek() != nullptr; }, pair.b));
    cr_assert_eq(pair.at_a().channel->peek()->length, sizeof operand);
    pair.at_a().channel->consume();
    static_cast<void>(pair.at_a().channel->peek());  // returns the credits
  }
  cr_assert(pair.at_b().replies.empty());
  cr_assert_eq(pair.at_b().owed_bytes, 0u);
  cr_assert_eq(serve(pair, message), Verdict::kTaken);
}

Test(atomic_serve, a_lost_peer_is_owed_nothing) {
  AtomicPair pair;
  std::uint64_t operand[512] = {};
  Request request;
  request.body.length = sizeof operand;
  for (int i = 0; i < 20; ++i) cr_assert_eq(serve(pair, request.in_area(operand, sizeof operand)), Verdict::kTaken);
  cr_assert_not(pair.at_b().replies.empty());
  pair.a.crash();
  cr_assert(until([&] { return pair.at_b().state == PeerState::kIdle; }, pair.b));
  cr_assert(pair.at_b().replies.empty());
  cr_assert_eq(pair.at_b().owed_bytes, 0u);
}
