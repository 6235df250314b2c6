// SPDX-License-Identifier: BSD-2-Clause
// Atomic operations that cannot be: refused at once, or ended by an error completion with nothing touched.
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "atomics.h"
#include "common/registry.h"
#include "victims.h"

namespace anchor::fabtests {

namespace {

constexpr std::uint64_t kReadOnly = 1, kWriteOnly = 2, kFull = 3, kClosed = 4, kNobody = 99;
constexpr std::uint64_t kBytes = 64;

struct Case {
  const char* name;
  Family family;
  fi_op op;
  std::uint64_t key;
  std::uint64_t address;
  int error;  // 0: fine
};

const Case kCases[] = {
    {"nobody has the key", Family::kBase, FI_SUM, kNobody, 0, FI_EKEYREJECTED},
    {"nobody has the key any more", Family::kFetch, FI_SUM, kClosed, 0, FI_EKEYREJECTED},
    {"one element beyond", Family::kBase, FI_SUM, kFull, kBytes, FI_EINVAL},
    {"half an element beyond", Family::kBase, FI_SUM, kFull, kBytes - 4, FI_EINVAL},
    {"round the end of all addresses", Family::kFetch, FI_SUM, kFull, ~0ull - 3, FI_EINVAL},
    {"to write where reading is allowed", Family::kBase, FI_SUM, kReadOnly, 0, FI_EACCES},
    {"to change where reading is allowed", Family::kFetch, FI_SUM, kReadOnly, 0, FI_EACCES},
    {"to swap where reading is allowed", Family::kCompare, FI_CSWAP, kReadOnly, 0, FI_EACCES},
    {"to read where writing is allowed", Family::kFetch, FI_ATOMIC_READ, kWriteOnly, 0, FI_EACCES},
    {"to swap where writing is allowed", Family::kCompare, FI_CSWAP, kWriteOnly, 0, FI_EACCES},
    {"to read where reading is allowed", Family::kFetch, FI_ATOMIC_READ, kReadOnly, 0, 0},
    {"to write where writing is allowed", Family::kBase, FI_BXOR, kWriteOnly, 56, 0},
    {"the last element", Family::kCompare, FI_CSWAP, kFull, kBytes - 8, 0},
};

void expect_case(Node& node, const Case& one) {
  std::uint64_t operand = 0, compare = 0, result = 77;
  const Atomic a{.operand = &operand,
                 .compare = &compare,
                 .result = &result,
                 .to = node.peer(1),
                 .address = one.address,
                 .key = one.key,
                 .op = one.op,
                 .context = &operand};
  node.submit([&] { return atomic_message(node.ep(), one.family, a, FI_COMPLETION); });
  if (one.error == 0) return void(node.await_send());
  const Entry entry = node.await_send_error();
  CHECK(entry.context == &operand);
  CHECK_EQ(entry.flags & FI_ATOMIC, FI_ATOMIC);
  if (entry.error != one.error) note_failure(FABTESTS_PLACE, one.name + describe(entry));
  CHECK_EQ(result, 77u);
}

}  // namespace

TEST(atomic_refused_by_the_target, .ranks = 2, .anchor_only = true) {
  Node node(team, kAtomicNode);
  node.introduce();
  std::uint64_t words[3][kBytes / 8];
  for (auto& region : words)
    for (std::uint64_t& word : region) word = 5;
  const Owned<fid_mr> read_only = expose(node.domain(), words[0], kBytes, kReadOnly, FI_REMOTE_READ);
  const Owned<fid_mr> write_only = expose(node.domain(), words[1], kBytes, kWriteOnly, FI_REMOTE_WRITE);
  const Owned<fid_mr> full = expose(node.domain(), words[2], kBytes, kFull);
  { const Owned<fid_mr> closed = expose(node.domain(), words[2], kBytes, kClosed); }
  team.barrier();
  if (team.rank() == 0)
    for (const Case& one : kCases) expect_case(node, one);
  team.barrier();
  if (team.rank() == 1)
    for (auto& region : words)
      for (std::uint64_t& word : region) CHECK_EQ(word, 5u);
}

// Several targets of which one is wrong: none is touched.
TEST(atomic_with_one_wrong_target, .ranks = 2, .anchor_only = true) {
  Node node(team, kAtomicNode);
  node.introduce();
  std::uint64_t words[4] = {5, 5, 5, 5};
  const Owned<fid_mr> region = expose(node.domain(), words, sizeof words, kFull);
  team.barrier();
  if (team.rank() == 0) {
    std::uint64_t operand[3] = {1, 1, 1};
    fi_ioc operands{operand, 3};
    fi_rma_ioc targets[] = {{0, 1, kFull}, {8, 1, kFull}, {0, 1, kNobody}};
    fi_msg_atomic msg{};
    msg.msg_iov = &operands;
    msg.iov_count = 1;
    msg.addr = node.peer(1);
    msg.rma_iov = targets;
    msg.rma_iov_count = 3;
    msg.datatype = FI_UINT64;
    msg.op = FI_SUM;
    node.submit([&] { return fi_atomicmsg(node.ep(), &msg, FI_COMPLETION); });
    CHECK_EQ(node.await_send_error().error, FI_EKEYREJECTED);
  }
  team.barrier();
  for (const std::uint64_t word : words) CHECK_EQ(word, 5u);
}

TEST(atomic_refused_at_once, .anchor_only = true) {
  Node node(team, kAtomicNode);
  node.introduce();
  std::vector<std::uint64_t> words(1024);
  const Owned<fid_mr> region = expose(node.domain(), words.data(), 8192, kFull);
  const std::size_t most = most_elements(node.domain(), Family::kCompare, FI_UINT64, FI_CSWAP);
  Atomic a{.operand = words.data(),
           .compare = words.data(),
           .result = words.data(),
           .count = most + 1,
           .to = node.peer(0),
           .key = kFull,
           .op = FI_CSWAP};
  CHECK_EQ(atomic_message(node.ep(), Family::kCompare, a, 0), -FI_EMSGSIZE);
  a.count = SIZE_MAX / 4;
  CHECK_EQ(atomic_message(node.ep(), Family::kCompare, a, 0), -FI_EMSGSIZE);
  a.count = 0;
  CHECK_EQ(atomic_message(node.ep(), Family::kCompare, a, 0), -FI_EINVAL);
  a.count = 1;
  CHECK_EQ(atomic_message(node.ep(), Family::kCompare, a, FI_TAGGED), -FI_EBADFLAGS);
  a.to = 12345;
  CHECK_EQ(atomic_message(node.ep(), Family::kCompare, a, 0), -FI_EINVAL);
  a.to = node.peer(0);
  fi_ioc operand{words.data(), 2}, result{words.data(), 3};
  CHECK_EQ(fi_fetch_atomicv(node.ep(), &operand, nullptr, 1, &result, nullptr, 1, a.to, 0, kFull, FI_UINT64, FI_SUM,
                            nullptr),
           -FI_EINVAL);
  CHECK_EQ(fi_fetch_atomicv(node.ep(), &operand, nullptr, 5, &result, nullptr, 1, a.to, 0, kFull, FI_UINT64, FI_SUM,
                            nullptr),
           -FI_EINVAL);
}

// A region may be all addresses, or no longer be there: the target says so and lives on.
TEST(atomic_on_unmapped_memory, .ranks = 2, .anchor_only = true) {
  constexpr std::size_t kPage = 4096;
  Node node(team, kAtomicNode);
  auto* pages = static_cast<std::uint64_t*>(
      ::mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  REQUIRE(pages != MAP_FAILED);
  const Owned<fid_mr> everything = expose(node.domain(), nullptr, SIZE_MAX, kFull);
  const Owned<fid_mr> there = expose(node.domain(), pages, 2 * kPage, kReadOnly);
  // As good as unmapped, and nothing else is mapped there meanwhile.
  REQUIRE(::mprotect(pages + kPage / 8, kPage, PROT_NONE) == 0);
  node.introduce();
  const Bytes where =
      team.gather(Bytes(reinterpret_cast<const std::byte*>(&pages), reinterpret_cast<const std::byte*>(&pages + 1)))[1];
  if (team.rank() == 0) {
    std::uint64_t address, operand = 3, compare = 0, result = 77;
    std::memcpy(&address, where.data(), sizeof address);
    Atomic a{.operand = &operand, .compare = &compare, .result = &result, .to = node.peer(1), .key = kFull};
    const auto fails = [&](Family family, fi_op op, std::uint64_t to) {
      a.address = to;
      a.op = op;
      node.submit([&] { return atomic_message(node.ep(), family, a, FI_COMPLETION); });
      CHECK_EQ(node.await_send_error().error, FI_EFAULT);
      CHECK_EQ(result, 77u);
    };
    fails(Family::kFetch, FI_SUM, 8);
    fails(Family::kFetch, FI_ATOMIC_READ, 8);
    fails(Family::kCompare, FI_CSWAP, address + kPage);
    fails(Family::kBase, FI_SUM, ~0ull << 47);
    a.key = kReadOnly;
    fails(Family::kBase, FI_SUM, kPage);
    fails(Family::kFetch, FI_ATOMIC_READ, 2 * kPage - 8);
    a.address = kPage - 8;
    a.op = FI_SUM;
    carry_out(node, Family::kBase, a);
  }
  team.barrier();
  CHECK_EQ(pages[kPage / 8 - 1], team.rank() == 1 ? 3u : 0u);
  ::munmap(pages, kPage);
}

// Without the capability there are no calls, and before fi_enable no operations.
TEST(atomic_needs_its_capability, .anchor_only = true) {
  const auto refused = [](std::uint64_t caps, bool enable, Family family) {
    const NodeOptions options{.caps = caps};
    const Info info = node_info(options);
    const OpenDomain open(info.get());
    const Owned<fid_cq> cq = open_cq(open.domain.get());
    const Owned<fid_av> av = open_av(open.domain.get());
    Owned<fid_ep> ep;
    REQUIRE_OK(fi_endpoint(open.domain.get(), open.info.get(), ep.out(), nullptr));
    REQUIRE_OK(fi_ep_bind(ep.get(), av.as_fid(), 0));
    REQUIRE_OK(fi_ep_bind(ep.get(), cq.as_fid(), FI_TRANSMIT | FI_RECV));
    if (enable) REQUIRE_OK(fi_enable(ep.get()));
    std::uint64_t word = 0;
    const Atomic a{
        .operand = &word, .compare = &word, .result = &word, .op = family == Family::kCompare ? FI_CSWAP : FI_SUM};
    return static_cast<int>(atomic_message(ep.get(), family, a, 0));
  };
  CHECK_EQ(refused(FI_MSG, true, Family::kBase), -FI_ENOSYS);
  CHECK_EQ(refused(FI_MSG | FI_ATOMIC, false, Family::kBase), -FI_EOPBADSTATE);
  CHECK_EQ(refused(FI_MSG | FI_ATOMIC | FI_WRITE, true, Family::kFetch), -FI_ENOSYS);
  CHECK_EQ(refused(FI_MSG | FI_ATOMIC | FI_READ, true, Family::kBase), -FI_ENOSYS);
  CHECK_EQ(refused(FI_MSG | FI_ATOMIC | FI_REMOTE_READ, true, Family::kCompare), -FI_ENOSYS);
  CHECK_EQ(refused(FI_MSG | FI_ATOMIC, true, Family::kCompare), -FI_EINVAL);  // the address
}

// All that is outstanding to a peer that dies ends with an error, fetched values untouched.
TEST(atomic_death_of_the_target, .ranks = 2, .mortal = 1u << 1, .anchor_only = true) {
  Node node(team, kAtomicNode);
  std::uint64_t words[8] = {};
  const Owned<fid_mr> region = expose(node.domain(), words, sizeof words, kFull);
  node.introduce();
  std::uint64_t operand = 1, result = 77;
  Atomic a{.operand = &operand, .result = &result, .to = node.peer(1), .key = kFull};
  if (team.rank() == 1) {
    team.tell(0, own_pid());
    team.hear(0);
    node.rest(true);
    team.tell(0, "resting");
    team.await_death();
  }
  const pid_t victim = pid_from(team.hear_text(1));
  carry_out(node, Family::kFetch, a);
  team.tell(1, "rest");
  team.hear(1);
  result = 77;
  std::size_t outstanding = 0;
  while (outstanding < 10 && atomic_message(node.ep(), Family::kFetch, a, FI_COMPLETION) == 0) ++outstanding;
  CHECK_EQ(outstanding, 10u);
  CHECK_EQ(kill_and_collect(node, victim, outstanding, 0), 10);
  CHECK_EQ(result, 77u);
}

}  // namespace anchor::fabtests
