// SPDX-License-Identifier: BSD-2-Clause
// Every atomic call: what it does to the target, what it gives back, and how it completes.
#include "atomics.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

constexpr std::uint64_t kKey = 0x1234567890abcdef;
constexpr std::size_t kCounts[] = {1, 2, 3, 5, 64, 512};
constexpr std::size_t kMost = 512;

struct Words {
  std::uint64_t at[kMost + 2];
};

// Rank 0 asks rank 1, which sees to its progress by waiting.
void serve(Team& team, Node& node) {
  Words words;
  for (std::uint64_t& word : words.at) word = 100;
  const Owned<fid_mr> region = expose(node.domain(), &words, sizeof words, kKey);
  team.barrier();
  team.barrier();
  CHECK_EQ(words.at[0], 100u);
  CHECK_EQ(words.at[kMost + 1], 100u);
  for (std::size_t i = 1; i <= kMost; ++i) CHECK_EQ(words.at[i], 100u);  // the last call has restored them
}

std::uint64_t expected_flags(Family family) { return FI_ATOMIC | (family == Family::kBase ? FI_WRITE : FI_READ); }

void expect_value(Node& node, const Atomic& a, std::uint64_t value) {
  std::vector<std::uint64_t> now(a.count);
  Atomic read = a;
  read.operand = nullptr;
  read.result = now.data();
  read.op = FI_ATOMIC_READ;
  carry_out(node, Family::kFetch, read);
  for (const std::uint64_t word : now) CHECK_EQ(word, value);
}

void try_call(Node& node, const AtomicCall& call, std::size_t count) {
  std::vector<std::uint64_t> operand(count, 11), compare(count, 100), result(count, 7);
  Atomic a{.operand = operand.data(),
           .compare = compare.data(),
           .result = result.data(),
           .count = count,
           .to = node.peer(1),
           .address = sizeof(std::uint64_t),
           .key = kKey,
           .op = call.family == Family::kCompare ? FI_CSWAP : FI_SUM,
           .context = &a};
  node.submit([&] { return call.call(node.ep(), a); });
  if (!call.inject) {
    const Entry done = node.await_send();
    CHECK(done.context == &a);
    CHECK_EQ(done.flags, expected_flags(call.family));
  }
  if (call.family != Family::kBase)
    for (const std::uint64_t word : result) CHECK_EQ(word, 100u);
  expect_value(node, a, call.family == Family::kCompare ? 11 : 111);
  const std::vector<std::uint64_t> before(count, 100);
  a.operand = before.data();
  a.op = FI_ATOMIC_WRITE;
  carry_out(node, Family::kBase, a);
}

}  // namespace

TEST(atomic_every_call, .ranks = 2, .anchor_only = true) {
  Node node(team, kAtomicNode);
  node.introduce();
  if (team.rank() == 1) return serve(team, node);
  team.barrier();
  for (const AtomicCall& call : atomic_calls())
    for (const std::size_t count : kCounts) try_call(node, call, count);
  team.barrier();
  CHECK(node.sends().empty());
}

TEST(atomic_to_itself, .anchor_only = true) {
  Node node(team, kAtomicNode);
  node.introduce();
  Words words;
  for (std::uint64_t& word : words.at) word = 100;
  const Owned<fid_mr> region = expose(node.domain(), &words, sizeof words, kKey);
  for (const AtomicCall& call : atomic_calls())
    for (const std::size_t count : kCounts) {
      std::vector<std::uint64_t> operand(count, 1), compare(count, 100), result(count);
      const Atomic a{.operand = operand.data(),
                     .compare = compare.data(),
                     .result = result.data(),
                     .count = count,
                     .to = node.peer(0),
                     .address = sizeof(std::uint64_t),
                     .key = kKey,
                     .op = call.family == Family::kCompare ? FI_CSWAP_NE : FI_SUM};
      node.submit([&] { return call.call(node.ep(), a); });
      if (!call.inject) node.await_send();
      node.until("the operation", [&] { return words.at[1] != 100 || call.family == Family::kCompare; });
      if (call.family != Family::kBase)
        for (const std::uint64_t word : result) CHECK_EQ(word, 100u);
      for (std::size_t i = 1; i <= count; ++i) CHECK_EQ(words.at[i], call.family == Family::kCompare ? 100u : 101u);
      for (std::uint64_t& word : words.at) word = 100;
    }
}

// Several pieces on both sides, that do not end at the same places.
TEST(atomic_of_many_segments, .ranks = 2, .anchor_only = true) {
  Node node(team, kAtomicNode);
  node.introduce();
  std::uint32_t words[2][32] = {};
  Owned<fid_mr> regions[2];
  for (std::size_t i = 0; i < 2; ++i) regions[i] = expose(node.domain(), words[i], sizeof words[i], i);
  team.barrier();
  if (team.rank() == 0) {
    std::uint32_t operand[10], result[10];
    for (std::uint32_t i = 0; i < 10; ++i) operand[i] = i + 1;
    fi_ioc operands[] = {{operand, 1}, {operand + 1, 4}, {operand + 5, 0}, {operand + 5, 5}};
    fi_ioc results[] = {{result, 3}, {result + 3, 7}};
    fi_rma_ioc targets[] = {{4, 2, 0}, {8, 3, 1}, {40, 1, 0}, {60, 4, 1}};
    fi_msg_atomic msg{};
    msg.msg_iov = operands;
    msg.iov_count = 4;
    msg.addr = node.peer(1);
    msg.rma_iov = targets;
    msg.rma_iov_count = 4;
    msg.datatype = FI_UINT32;
    msg.op = FI_SUM;
    for (std::uint32_t round = 0; round < 3; ++round) {
      node.submit([&] { return fi_fetch_atomicmsg(node.ep(), &msg, results, nullptr, 2, FI_COMPLETION); });
      node.await_send();
      for (std::uint32_t i = 0; i < 10; ++i) CHECK_EQ(result[i], round * (i + 1));
    }
  }
  team.barrier();
  if (team.rank() == 0) return;
  const std::uint32_t expected[2][32] = {{0, 3, 6, 0, 0, 0, 0, 0, 0, 0, 18},
                                         {0, 0, 9, 12, 15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 21, 24, 27, 30}};
  for (int r = 0; r < 2; ++r)
    for (int i = 0; i < 32; ++i) CHECK_EQ(words[r][i], expected[r][i]);
}

// Injected operands are the caller's again at once, also while nobody is connected yet.
TEST(atomic_injected_before_connection, .ranks = 2, .anchor_only = true) {
  Node node(team, kAtomicNode);
  std::uint64_t words[8] = {};
  const Owned<fid_mr> region = expose(node.domain(), words, sizeof words, kKey);
  node.introduce();
  if (team.rank() == 0) {
    for (std::uint64_t i = 0; i < 8; ++i) {
      std::uint64_t operand = i + 1, compare = 0, result = 77;
      Atomic a{.operand = &operand, .compare = &compare, .to = node.peer(1), .address = 8 * i, .key = kKey};
      node.submit([&] { return fi_inject_atomic(node.ep(), a.operand, 1, a.to, a.address, a.key, FI_UINT64, FI_SUM); });
      a.op = FI_CSWAP;
      static std::uint64_t results[8];
      a.result = &results[i];
      node.submit([&] { return atomic_message(node.ep(), Family::kCompare, a, FI_INJECT | FI_COMPLETION); });
      operand = compare = result = 99;
    }
    for (int i = 0; i < 8; ++i) node.await_send();
  }
  team.barrier();
  if (team.rank() == 1)
    for (std::uint64_t i = 0; i < 8; ++i) CHECK_EQ(words[i], i + 1);
}

}  // namespace anchor::fabtests
