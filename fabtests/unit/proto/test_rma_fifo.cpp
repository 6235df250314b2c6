// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "node.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr std::size_t kLong = 300'007;

struct Exposure : Couple {
  Exposure() : Couple(without_direct_copy()) { b.expose(region, 1, memory.data(), memory.size()); }
  ~Exposure() { b.memory.remove(&region); }
  int write(std::vector<unsigned char>& from, std::uint32_t flags = kWantCompletion) {
    return a.access(WorkType::kWrite, to_b, {0, from.size(), 1}, from.data(), flags);
  }
  int read(std::vector<unsigned char>& to) { return a.access(WorkType::kRead, to_b, {0, to.size(), 1}, to.data()); }

  std::vector<unsigned char> memory = std::vector<unsigned char>(kLong);
  MemoryRegion region;
};

}  // namespace

Test(rma_fifo, long_ones_go_in_parts) {
  Exposure couple;
  auto sent = bytes_of(kLong);
  std::vector<unsigned char> got(kLong);
  cr_assert_eq(couple.write(sent), 0);
  cr_assert_not(couple.at_a().waiting.empty(), "more than the FIFO takes");
  cr_assert_eq(couple.read(got), 0);
  for (int i = 0; i < 2; ++i) cr_assert_eq(await(couple.a, couple.b).error, 0);
  cr_assert(couple.memory == sent);
  cr_assert(got == sent);
  cr_assert_eq(couple.a.exchange.remotes.in_use(), 0u);
  cr_assert_eq(couple.b.exchange.served.in_use(), 0u);
  cr_assert_eq(couple.at_a().unanswered + couple.at_a().unanswered_reads + couple.at_b().served_reads, 0u);
}

Test(rma_fifo, injected_bytes_are_the_callers_again) {
  Exposure couple;
  unsigned count = 0;
  for (; couple.at_a().waiting.size() < 10; ++count) {
    auto bytes = bytes_of(4096, count);
    cr_assert_eq(couple.write(bytes, kInject), 0);
    bytes.assign(4096, 0);
  }
  const auto last = bytes_of(4096, count - 1);
  cr_assert(until([&] { return couple.a.exchange.remotes.in_use() == 0; }, couple.a, couple.b));
  cr_assert(std::equal(last.begin(), last.end(), couple.memory.begin()));
}

Test(rma_fifo, a_write_does_not_overtake_a_read) {
  Exposure couple;
  fill(couple.memory, 1);
  auto sent = bytes_of(kLong, 2);
  std::vector<unsigned char> got(kLong);
  cr_assert_eq(couple.read(got), 0);
  cr_assert_eq(couple.write(sent), 0);
  cr_assert_eq(couple.at_a().waiting.size(), 1u);
  for (int i = 0; i < 2; ++i) cr_assert_eq(await(couple.a, couple.b).error, 0);
  cr_assert(got == bytes_of(kLong, 1));
  cr_assert(couple.memory == sent);
}

// The target has refused a part of it, and waits for the last one to say so: what comes next is another operation.
Test(rma_fifo, a_write_whose_region_is_closed_amid_it_spoils_no_other) {
  Exposure couple;
  auto sent = bytes_of(kLong);
  cr_assert_eq(couple.write(sent), 0);
  cr_assert_not(couple.at_a().waiting.empty(), "more than the FIFO takes");
  couple.b.memory.remove(&couple.region);
  couple.b.passes(3);
  cr_assert_eq(await(couple.a, couple.b).error, EKEYREJECTED);

  couple.b.expose(couple.region, 1, couple.memory.data(), couple.memory.size());
  cr_assert_eq(couple.write(sent), 0);
  cr_assert_eq(await(couple.a, couple.b).error, 0);
  cr_assert(couple.memory == sent);
}

Test(rma_fifo, nothing_is_read_without_asking) {
  Exposure couple;
  std::vector<unsigned char> nothing;
  cr_assert_eq(couple.read(nothing), 0);
  cr_assert_eq(await(couple.a).error, 0);
}

Test(rma_fifo, a_read_of_nothing_is_counted) {
  Exposure couple;
  Counter counter;
  couple.b.memory.count_with(&couple.region, &counter, kRemoteRead);
  std::vector<unsigned char> nothing;
  for (int i = 0; i < 3; ++i) cr_assert_eq(couple.read(nothing), 0);
  for (int i = 0; i < 3; ++i) cr_assert_eq(await(couple.a, couple.b).error, 0);
  cr_assert(until([&] { return counter.value() == 3; }, couple.a, couple.b));
  cr_assert_eq(couple.a.exchange.remotes.in_use(), 0u);
}

Test(rma_fifo, chunks_that_make_no_sense_are_malformed) {
  Exposure couple;
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
