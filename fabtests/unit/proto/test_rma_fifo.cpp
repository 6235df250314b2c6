// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "exposed_pair.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr std::size_t kLong = 300'007;

struct FifoPair : ExposedPair {
  FifoPair() : ExposedPair(without_direct_copy()) {}
};

}  // namespace

Test(rma_fifo, long_ones_go_in_parts) {
  FifoPair couple;
  auto sent = bytes_of(kLong);
  std::vector<unsigned char> got(kLong);
  cr_assert_eq(couple.write(sent), 0);
  cr_assert_not(couple.at_a().waiting.empty(), "more than the FIFO takes");
  cr_assert_eq(couple.read(got), 0);
  for (int i = 0; i < 2; ++i) cr_assert_eq(await(couple.a, couple.b).error, 0);
  cr_assert(couple.holds(sent));
  cr_assert(got == sent);
  cr_assert_eq(couple.a.exchange.remotes.in_use(), 0u);
  cr_assert_eq(couple.b.exchange.served.in_use(), 0u);
  cr_assert_eq(couple.at_a().unanswered + couple.at_a().unanswered_reads + couple.at_b().served_reads, 0u);
}

Test(rma_fifo, injected_bytes_are_the_callers_again) {
  FifoPair couple;
  unsigned count = 0;
  for (; couple.at_a().waiting.size() < 10; ++count) {
    auto bytes = bytes_of(4096, count);
    cr_assert_eq(couple.write(bytes, 0, kInject), 0);
    bytes.assign(4096, 0);
  }
  const auto last = bytes_of(4096, count - 1);
  cr_assert(until([&] { return couple.a.exchange.remotes.in_use() == 0; }, couple.a, couple.b));
  cr_assert(couple.holds(last));
}

Test(rma_fifo, a_write_does_not_overtake_a_read) {
  FifoPair couple;
  fill(couple.memory, 1);
  auto sent = bytes_of(kLong, 2);
  std::vector<unsigned char> got(kLong);
  cr_assert_eq(couple.read(got), 0);
  cr_assert_eq(couple.write(sent), 0);
  cr_assert_eq(couple.at_a().waiting.size(), 1u);
  for (int i = 0; i < 2; ++i) cr_assert_eq(await(couple.a, couple.b).error, 0);
  cr_assert(got == bytes_of(kLong, 1));
  cr_assert(couple.holds(sent));
}

// The target has refused a part of it, and waits for the last one to say so: what comes next is another operation.
Test(rma_fifo, a_write_whose_region_is_closed_amid_it_spoils_no_other) {
  FifoPair couple;
  auto sent = bytes_of(kLong);
  cr_assert_eq(couple.write(sent), 0);
  cr_assert_not(couple.at_a().waiting.empty(), "more than the FIFO takes");
  couple.b.memory.remove(&couple.region);
  couple.b.passes(3);
  cr_assert_eq(await(couple.a, couple.b).error, EKEYREJECTED);

  couple.b.expose(couple.region, 1, couple.memory.data(), couple.memory.size());
  cr_assert_eq(couple.write(sent), 0);
  cr_assert_eq(await(couple.a, couple.b).error, 0);
  cr_assert(couple.holds(sent));
}

Test(rma_fifo, nothing_is_read_without_asking) {
  FifoPair couple;
  std::vector<unsigned char> nothing;
  cr_assert_eq(couple.read(nothing), 0);
  cr_assert_eq(await(couple.a).error, 0);
}

Test(rma_fifo, a_read_of_nothing_is_counted) {
  FifoPair couple;
  Counter counter;
  couple.b.memory.count_with(&couple.region, &counter, kRemoteRead);
  std::vector<unsigned char> nothing;
  for (int i = 0; i < 3; ++i) cr_assert_eq(couple.read(nothing), 0);
  for (int i = 0; i < 3; ++i) cr_assert_eq(await(couple.a, couple.b).error, 0);
  cr_assert(until([&] { return counter.value() == 3; }, couple.a, couple.b));
  cr_assert_eq(couple.a.exchange.remotes.in_use(), 0u);
}

Test(rma_fifo, chunks_that_make_no_sense_are_malformed) {
  FifoPair couple;
  std::vector<unsigned char> got(100);
  unsigned char bytes[200] = {};
  const auto chunk = [&](std::uint64_t request, std::uint64_t position, std::uint32_t length,
                         std::uint8_t flags = kInArea) {
    return on_read_chunk(couple.a.exchange, couple.at_a(),
                         forged(Operation::kReadChunk, ReadChunkBody{0, 0, request, position}, flags, length, bytes));
  };
  cr_assert_eq(chunk(12345, 0, 10), Verdict::kTaken, "an operation that has ended");
  cr_assert_eq(couple.read(got), 0);
  std::uint64_t id = 0;
  couple.a.exchange.remotes.for_each([&](RemoteRequest* request) { id = couple.a.exchange.remotes.id(request); });
  cr_assert_eq(chunk(id, 0, 10, 0), Verdict::kMalformed);
  cr_assert_eq(chunk(id, 91, 10), Verdict::kMalformed);
  cr_assert_eq(chunk(id, ~0ull, 10), Verdict::kMalformed);
  cr_assert_eq(chunk(id, 0, 101), Verdict::kMalformed);
  cr_assert_eq(chunk(id, 50, 50), Verdict::kTaken);
  cr_assert_eq(chunk(id, 0, 51), Verdict::kMalformed);
  cr_assert_eq(on_read_chunk(couple.a.exchange, couple.a.peer("stranger"),
                             forged(Operation::kReadChunk, ReadChunkBody{0, 0, id, 0}, kInArea, 50, bytes)),
               Verdict::kTaken, "somebody else's operation is nobody's");
  cr_assert_eq(chunk(id, 0, 50), Verdict::kTaken);
  cr_assert_eq(await(couple.a).error, 0);
}
