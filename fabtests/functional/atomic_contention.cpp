// SPDX-License-Identifier: BSD-2-Clause
// Many at the same memory: nothing is lost, whoever asks, in whichever process and thread, and by whichever operation.
#include <sched.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "atomics.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

constexpr std::uint64_t kKey = 1;
constexpr std::uint64_t kRounds = 2000;
constexpr int kThreads = 3;

// All of it in rank 0's memory.
struct alignas(64) Totals {
  std::uint64_t sum = 0;
  std::uint64_t tickets = 0;
  std::uint64_t swapped = 0;   // counted up by compare and swap
  std::uint64_t borrowed = 0;  // bits set and cleared by their owner
  double real = 0;
  unsigned char odd[32] = {};  // a sum at an address of no alignment
  alignas(16) unsigned char wide[16] = {};
  std::uint64_t own = 0;  // added to by the target's instructions, too
};

Atomic at(Node& node, std::size_t offset, fi_datatype type, fi_op op) {
  return {.to = node.peer(0), .address = offset, .key = kKey, .datatype = type, .op = op};
}

// One operation after the other: results are used at once.
class Contender {
 public:
  explicit Contender(Node& node) : node_(node) {}

  void run(std::uint64_t bit) {
    for (std::uint64_t round = 0; round < kRounds; ++round) {
      const std::uint64_t ticket = fetch_add(offsetof(Totals, tickets));
      if (round != 0) CHECK(ticket > last_ticket_);
      last_ticket_ = ticket;
      base(at(node_, offsetof(Totals, sum), FI_UINT64, FI_SUM), &kOne);
      base(at(node_, offsetof(Totals, own), FI_UINT64, FI_SUM), &kOne);
      base(at(node_, offsetof(Totals, real), FI_DOUBLE, FI_SUM), &kReal);
      base(at(node_, offsetof(Totals, odd) + 3, FI_UINT32, FI_SUM), &kSmall);
      base(at(node_, offsetof(Totals, wide), FI_UINT128, FI_SUM), kWide);
      if (round % 10 == 0) swap_up();
      borrow(bit);
    }
  }

 private:
  static constexpr std::uint64_t kOne = 1;
  static constexpr double kReal = 0.5;
  static constexpr std::uint32_t kSmall = 1;
  static constexpr std::uint64_t kWide[2] = {~0ull, 0};

  void base(Atomic a, const void* operand) {
    a.operand = operand;
    carry_out(node_, Family::kBase, a);
  }
  std::uint64_t fetch(Atomic a, std::uint64_t operand) {
    std::uint64_t result = 0;
    a.operand = &operand;
    a.result = &result;
    carry_out(node_, Family::kFetch, a);
    return result;
  }
  std::uint64_t fetch_add(std::size_t offset) { return fetch(at(node_, offset, FI_UINT64, FI_SUM), 1); }

  void swap_up() {
    Atomic a = at(node_, offsetof(Totals, swapped), FI_UINT64, FI_CSWAP);
    std::uint64_t seen = 0;
    for (;;) {
      const std::uint64_t next = seen + 1;
      std::uint64_t result = 0;
      a.operand = &next;
      a.compare = &seen;
      a.result = &result;
      carry_out(node_, Family::kCompare, a);
      if (result == seen) return;
      seen = result;
    }
  }

  void borrow(std::uint64_t bit) {
    const std::size_t offset = offsetof(Totals, borrowed);
    CHECK_EQ(fetch(at(node_, offset, FI_UINT64, FI_BOR), 1ull << bit) >> bit & 1, 0u);
    CHECK_EQ(fetch(at(node_, offset, FI_UINT64, FI_BAND), ~(1ull << bit)) >> bit & 1, 1u);
  }

  Node& node_;
  std::uint64_t last_ticket_ = 0;
};

void expect_totals(const Totals& totals, std::uint64_t contenders, std::uint64_t own) {
  const std::uint64_t rounds = contenders * kRounds;
  CHECK_EQ(totals.sum, rounds);
  CHECK_EQ(totals.tickets, rounds);
  CHECK_EQ(totals.swapped, rounds / 10);
  CHECK_EQ(totals.borrowed, 0u);
  CHECK(totals.real == 0.5 * static_cast<double>(rounds));
  std::uint32_t odd;
  std::memcpy(&odd, totals.odd + 3, sizeof odd);
  CHECK_EQ(odd, rounds);
  std::uint64_t wide[2];
  std::memcpy(wide, totals.wide, sizeof wide);
  CHECK_EQ(wide[0], 0 - rounds);
  CHECK_EQ(wide[1], rounds - 1);
  CHECK_EQ(totals.own, rounds + own);
}

}  // namespace

// Three processes and the target itself; meanwhile the target adds by its own instructions.
TEST(atomic_totals_of_processes, .ranks = 4, .seconds = 60, .anchor_only = true) {
  Node node(team, kAtomicNode);
  Totals totals;
  const Owned<fid_mr> region = expose(node.domain(), &totals, sizeof totals, kKey);
  node.introduce();
  std::atomic<bool> stop{false};
  std::uint64_t own = 0;
  std::thread adder([&] {
    while (team.rank() == 0 && !stop.load()) {
      __atomic_fetch_add(&totals.own, 1, __ATOMIC_RELAXED);
      ++own;
      sched_yield();
    }
  });
  Contender(node).run(static_cast<std::uint64_t>(team.rank()));
  team.barrier();
  stop.store(true);
  adder.join();
  if (team.rank() == 0) expect_totals(totals, 4, own);
  team.barrier();
}

// Threads of each process, each with an endpoint of its own: the target's endpoints are driven by different threads.
TEST(atomic_totals_of_threads, .ranks = 2, .seconds = 60, .anchor_only = true) {
  NodeOptions options = kAtomicNode;
  options.threading = FI_THREAD_SAFE;
  const Info info = node_info(options);
  const OpenDomain open(info.get());
  Totals totals;
  const Owned<fid_mr> region = expose(open.domain.get(), &totals, sizeof totals, kKey);
  std::vector<std::unique_ptr<Node>> nodes;
  for (int i = 0; i < kThreads; ++i) {
    nodes.push_back(std::make_unique<Node>(team, open, options));
    nodes.back()->introduce();
  }
  std::atomic<int> running{kThreads};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i)
    threads.emplace_back([&, i] {
      try {
        Contender(*nodes[static_cast<std::size_t>(i)]).run(static_cast<std::uint64_t>(team.rank() * kThreads + i));
      } catch (const Abandoned&) {  // noted
      }
      --running;
      // Its peer may not be ready.
      while (running.load() != 0) nodes[static_cast<std::size_t>(i)]->progress();
    });
  for (std::thread& thread : threads) thread.join();
  team.barrier();
  if (team.rank() == 0) expect_totals(totals, 2 * kThreads, 0);
  team.barrier();
}

// As many as there is room for at once, both ways: answers find full FIFOs, small ones and large ones.
TEST(atomic_flood, .ranks = 2, .seconds = 60, .anchor_only = true) {
  constexpr std::size_t kLarge = 512, kOperations = 6000;
  Node node(team, kAtomicNode);
  std::vector<std::uint64_t> words(kLarge);
  const Owned<fid_mr> region = expose(node.domain(), words.data(), kLarge * 8, kKey);
  node.introduce();
  const std::vector<std::uint64_t> ones(kLarge, 1);
  std::vector<std::vector<std::uint64_t>> results(kOperations, std::vector<std::uint64_t>(kLarge));
  for (std::size_t i = 0; i < kOperations; ++i) {
    Atomic a = {.operand = ones.data(),
                .result = results[i].data(),
                .count = i % 3 == 0 ? kLarge : 1 + i % 9,
                .to = node.peer(1 - team.rank()),
                .key = kKey};
    node.submit([&] { return atomic_message(node.ep(), Family::kFetch, a, FI_COMPLETION); });
  }
  node.until(
      "all completions", [&] { return node.sends().size() == kOperations; }, 50);
  for (std::size_t i = 0; i < kOperations; ++i) {
    CHECK_EQ(node.sends().take().error, 0);
    CHECK_EQ(results[i][0], i);  // in the order in which they were asked for
  }
  team.barrier();
  CHECK_EQ(words[0], kOperations);
  CHECK_EQ(words[kLarge - 1], kOperations / 3);
}

}  // namespace anchor::fabtests
