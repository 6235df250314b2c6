// SPDX-License-Identifier: BSD-2-Clause
// Atomic operations among others: their order with messages and each other, fences, counters on both sides.
#include "atomics.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

constexpr std::uint64_t kKey = 9;

// The counters of one side.
struct Counted {
  explicit Counted(Node& node) : domain(node.domain()) {
    bind(node.ep(), reads, FI_READ);
    bind(node.ep(), writes, FI_WRITE);
    bind(node.ep(), remote_reads, FI_REMOTE_READ);
    bind(node.ep(), remote_writes, FI_REMOTE_WRITE);
  }
  void bind(fid_ep* ep, Owned<fid_cntr>& counter, std::uint64_t event) {
    counter = open_counter(domain);
    REQUIRE_OK(fi_ep_bind(ep, counter.as_fid(), event));
  }
  fid_domain* domain;
  Owned<fid_cntr> reads, writes, remote_reads, remote_writes;
};

}  // namespace

// Each message finds what the atomic operation before it did, and each operation finds what the one before it left.
TEST(atomic_before_message, .ranks = 2, .anchor_only = true) {
  constexpr std::uint64_t kRounds = 500;
  Node node(team, kAtomicNode);
  std::uint64_t word = 0;
  const Owned<fid_mr> region = expose(node.domain(), &word, sizeof word, kKey);
  node.introduce();
  if (team.rank() == 0) {
    for (std::uint64_t i = 1; i <= kRounds; ++i) {
      node.submit(
          [&] { return fi_inject_atomic(node.ep(), &i, 1, node.peer(1), 0, kKey, FI_UINT64, FI_ATOMIC_WRITE); });
      node.submit([&] { return fi_tinject(node.ep(), &i, sizeof i, node.peer(1), 1); });
      char answer;
      node.submit([&] { return fi_trecv(node.ep(), &answer, 1, nullptr, FI_ADDR_UNSPEC, 2, 0, nullptr); });
      node.await_receive();
    }
  } else {
    for (std::uint64_t i = 1; i <= kRounds; ++i) {
      std::uint64_t said = 0;
      node.submit([&] { return fi_trecv(node.ep(), &said, sizeof said, nullptr, FI_ADDR_UNSPEC, 1, 0, nullptr); });
      node.await_receive();
      CHECK_EQ(said, i);
      CHECK_EQ(word, i);
      node.submit([&] { return fi_tinject(node.ep(), "a", 1, node.peer(0), 2); });
    }
  }
  team.barrier();
}

// Of two operations on the same word the later one sees what the earlier one did, also when both wait for a connection.
TEST(atomic_after_atomic, .ranks = 2, .anchor_only = true) {
  constexpr std::size_t kOperations = 300;
  Node node(team, kAtomicNode);
  std::uint64_t word = 0;
  const Owned<fid_mr> region = expose(node.domain(), &word, sizeof word, kKey);
  node.introduce();
  if (team.rank() == 0) {
    std::vector<std::uint64_t> results(kOperations), operands(kOperations);
    for (std::size_t i = 0; i < kOperations; ++i) {
      operands[i] = i + 1;
      const Atomic a{.operand = &operands[i],
                     .result = &results[i],
                     .to = node.peer(1),
                     .key = kKey,
                     .op = i % 2 == 0 ? FI_ATOMIC_WRITE : FI_SUM};
      const std::uint64_t fence = i % 7 == 0 ? FI_FENCE : 0;
      node.submit([&] { return atomic_message(node.ep(), Family::kFetch, a, FI_COMPLETION | fence); });
    }
    for (std::size_t i = 0; i < kOperations; ++i) node.await_send();
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < kOperations; ++i) {
      CHECK_EQ(results[i], value);
      value = i % 2 == 0 ? operands[i] : value + operands[i];
    }
  }
  team.barrier();
}

// A fenced operation starts once all before it have completed: then they are in the queue before it, too.
TEST(atomic_fenced, .ranks = 2, .anchor_only = true) {
  constexpr std::size_t kOperations = 20;
  Node node(team, kAtomicNode);
  std::uint64_t word = 0;
  const Owned<fid_mr> region = expose(node.domain(), &word, sizeof word, kKey);
  node.introduce();
  if (team.rank() == 0) {
    const std::uint64_t one = 1;
    std::uint64_t results[kOperations];
    const Bytes large = patterned(200'000, 1);
    for (std::size_t i = 0; i < kOperations; ++i) {
      node.submit([&] { return fi_tsend(node.ep(), large.data(), large.size(), nullptr, node.peer(1), 3, nullptr); });
      const Atomic a{.operand = &one, .result = &results[i], .to = node.peer(1), .key = kKey, .context = &results[i]};
      node.submit([&] { return atomic_message(node.ep(), Family::kFetch, a, FI_COMPLETION | FI_FENCE); });
    }
    for (std::size_t i = 0; i < kOperations; ++i) {
      CHECK(node.await_send().context == nullptr);
      CHECK(node.await_send().context == &results[i]);
      CHECK_EQ(results[i], i);
    }
  } else {
    Bytes buffer(200'000);
    for (std::size_t i = 0; i < kOperations; ++i) {
      node.submit(
          [&] { return fi_trecv(node.ep(), buffer.data(), buffer.size(), nullptr, FI_ADDR_UNSPEC, 3, 0, nullptr); });
      node.await_receive();
    }
  }
  team.barrier();
}

// fi_endpoint(3): base operations count as writes, all that give back what was there as reads; injected ones count.
TEST(atomic_counters, .ranks = 2, .anchor_only = true) {
  NodeOptions options = kAtomicNode;
  options.caps |= FI_RMA_EVENT;
  Node node(team, options);
  const Counted counted(node);
  std::uint64_t word = 0;
  const Owned<fid_mr> region = expose(node.domain(), &word, sizeof word, kKey);
  node.introduce();
  const std::size_t calls = atomic_calls().size();
  std::uint64_t writes = 0;
  for (const AtomicCall& call : atomic_calls()) {
    writes += call.family == Family::kBase ? 1 : 0;
    if (team.rank() != 0) continue;
    const std::uint64_t operand = 1, compare = 0;
    std::uint64_t result = 0;
    const Atomic a{.operand = &operand,
                   .compare = &compare,
                   .result = &result,
                   .to = node.peer(1),
                   .key = kKey,
                   .op = call.family == Family::kCompare ? FI_CSWAP : FI_SUM};
    node.submit([&] { return call.call(node.ep(), a); });
    if (!call.inject) node.await_send();
  }
  fid_cntr* const read = team.rank() == 0 ? counted.reads.get() : counted.remote_reads.get();
  fid_cntr* const written = team.rank() == 0 ? counted.writes.get() : counted.remote_writes.get();
  node.until("the counters", [&] { return fi_cntr_read(read) == calls - writes && fi_cntr_read(written) == writes; });
  team.barrier();
  CHECK_EQ(fi_cntr_read(read), calls - writes);
  CHECK_EQ(fi_cntr_read(written), writes);
  // An error counts as one.
  if (team.rank() == 0) {
    const std::uint64_t operand = 1;
    const Atomic wrong{.operand = &operand, .to = node.peer(1), .key = kKey + 1};
    node.submit([&] { return atomic_message(node.ep(), Family::kBase, wrong, FI_COMPLETION); });
    CHECK_EQ(node.await_send_error().error, FI_EKEYREJECTED);
    CHECK_EQ(fi_cntr_readerr(written), 1u);
  }
  team.barrier();
  CHECK_EQ(fi_cntr_read(written), writes);
  node.close_endpoint();  // before the counters
}

// A region's own counters.
TEST(atomic_counters_of_a_region, .ranks = 2, .anchor_only = true) {
  NodeOptions options = kAtomicNode;
  options.caps |= FI_RMA_EVENT;
  Node node(team, options);
  std::uint64_t word = 0;
  const Owned<fid_cntr> counter = open_counter(node.domain());
  Owned<fid_mr> region = expose(node.domain(), &word, sizeof word, kKey);
  REQUIRE_OK(fi_mr_bind(region.get(), counter.as_fid(), FI_REMOTE_WRITE | FI_REMOTE_READ));
  node.introduce();
  if (team.rank() == 0) {
    const std::uint64_t one = 1;
    std::uint64_t result;
    const Atomic a{.operand = &one, .result = &result, .to = node.peer(1), .key = kKey};
    for (int i = 0; i < 5; ++i) carry_out(node, Family::kBase, a);
    for (int i = 0; i < 5; ++i) carry_out(node, Family::kFetch, a);
  } else {
    node.until("the counter", [&] { return fi_cntr_read(counter.get()) == 10; });
    CHECK_EQ(word, 10u);
  }
  team.barrier();
  region.reset();
}

}  // namespace anchor::fabtests
