// SPDX-License-Identifier: BSD-2-Clause
// Memory in the window: allocated, asked about and freed, and written to by a peer on another host without its owner.
#include <atomic>

#include "common/window_hosts.h"
#include "hand_over.h"
#include "victims.h"
#include "window_area.h"

namespace anchor::fabtests {

namespace {

constexpr std::size_t kSize = 1u << 20;
constexpr std::size_t kPage = 4096;

int end_of(Node& node, const Access& access, bool read = false) {
  node.submit([&] {
    return read ? read_message(node.ep(), access, FI_COMPLETION) : write_message(node.ep(), access, FI_COMPLETION);
  });
  node.until("an end", [&] { return !node.sends().empty(); });
  return node.sends().take().error;
}

}  // namespace

TEST(window_memory_none, .anchor_only = true, .shm_only = true) {
  Node node(team, rma_options());
  void* ops = nullptr;
  CHECK_EQ(fi_open_ops(&node.domain()->fid, FI_ANCHOR_WINDOW_OPS, 0, &ops, nullptr), -FI_ENOSYS);
  CHECK_EQ(fi_open_ops(&node.domain()->fid, "nothing of the kind", 0, &ops, nullptr), -FI_ENOSYS);
  CHECK(ops == nullptr);
}

// What tests before this one had may come back at any time: there can be more available than we leave, never less.
TEST(window_memory_ops, .anchor_only = true, .window_only = true) {
  Node node(team, rma_options());
  void* other = nullptr;
  CHECK_EQ(fi_open_ops(&node.domain()->fid, "nothing of the kind", 0, &other, nullptr), -FI_ENOSYS);
  CHECK_EQ(fi_open_ops(&node.domain()->fid, FI_ANCHOR_WINDOW_OPS, 1, &other, nullptr), -FI_EBADFLAGS);
  fi_anchor_window_ops* const ops = window_ops(node);
  CHECK_EQ(ops->size, sizeof *ops);
  fi_anchor_window_attr before, taken, after;
  REQUIRE_OK(ops->query(node.domain(), &before));
  CHECK_EQ(before.hosts, 2u);
  CHECK_EQ(before.host, 0u);
  CHECK_EQ(before.allocated, 0u);
  CHECK_EQ(before.granularity, kPage);
  CHECK(before.available <= before.size && before.longest <= before.available);
  void *one = nullptr, *two = nullptr;
  CHECK_EQ(ops->allocate(node.domain(), 0, 0, &one), -FI_EINVAL);
  CHECK_EQ(ops->allocate(node.domain(), 1, 1, &one), -FI_EBADFLAGS);
  CHECK_EQ(ops->allocate(node.domain(), before.size, 0, &one), -FI_ENOSPC);
  CHECK_EQ(ops->allocate(node.domain(), SIZE_MAX, 0, &one), -FI_EINVAL);
  CHECK(one == nullptr);
  REQUIRE_OK(ops->allocate(node.domain(), kPage + 1, 0, &one));
  REQUIRE_OK(ops->allocate(node.domain(), 10, 0, &two));
  REQUIRE_OK(ops->query(node.domain(), &taken));
  CHECK_EQ(taken.allocated, 3 * kPage);
  CHECK(taken.available + 3 * kPage >= before.available);
  fi_anchor_window_range range{};
  REQUIRE_OK(ops->find(node.domain(), static_cast<char*>(one) + kPage, &range));
  CHECK(range.start == one && range.len == 2 * kPage);
  int local = 0;
  CHECK_EQ(ops->find(node.domain(), &local, &range), -FI_ENOENT);
  CHECK_EQ(ops->free(node.domain(), static_cast<char*>(one) + 64), -FI_EINVAL);
  CHECK_EQ(ops->free(node.domain(), &local), -FI_EINVAL);
  CHECK_EQ(ops->free(node.domain(), one), 0);
  CHECK_EQ(ops->free(node.domain(), one), -FI_EINVAL);
  CHECK_EQ(ops->free(node.domain(), two), 0);
  REQUIRE_OK(ops->query(node.domain(), &after));
  CHECK_EQ(after.allocated, 0u);
  CHECK(after.available >= taken.available + 3 * kPage);
}

// While the target makes no call: each kind of write ends, and its bytes are there.
TEST(window_memory_writes, .ranks = 2, .anchor_only = true, .window_only = true) {
  Node node(team, rma_options());
  WindowArea area(node, kSize);
  const Owned<fid_mr> mr = area.expose(0, kSize, 1);
  node.introduce();
  // Connected, and the peer's word that it has such memory is here.
  if (team.rank() == 0) REQUIRE_EQ(end_of(node, {area.bytes(), 8, node.peer(1), 0, 1}), 0);
  team.barrier();
  if (team.rank() == 1) {
    node.rest(true);
    team.hear(0);  // without progress
    check_pattern(area.bytes(), kSize, 3);
    team.tell(0, "seen");
    node.rest(false);
    team.barrier();
    return;
  }
  Bytes bytes = patterned(kSize, 3);
  std::size_t calls = 0, at = 0;
  for (const AccessCall& call : write_calls()) {
    if (call.data) continue;
    const std::size_t size = call.inject ? 64 : 5000 + 1000 * calls;
    node.submit([&] { return call.call(node.ep(), {bytes.data() + at, size, node.peer(1), at, 1, 0, nullptr}); });
    if (!call.inject) node.await_send();
    at += size;
    ++calls;
  }
  CHECK(calls >= 4);
  for (std::size_t size = 1; at < kSize; at += size, size = std::min(size * 3, kSize - at))
    REQUIRE_EQ(end_of(node, {bytes.data() + at, size, node.peer(1), at, 1}), 0);
  team.tell(1, "written");
  team.hear(1);
  Bytes back(kSize);
  CHECK_EQ(end_of(node, {back.data(), kSize, node.peer(1), 0, 1}, true), 0);
  CHECK(back == bytes);
  team.barrier();
}

TEST(window_memory_events, .ranks = 2, .anchor_only = true, .window_only = true) {
  constexpr std::uint64_t kWrites = 100;
  Node node(team, rma_options());
  WindowArea area(node, kSize);
  const Owned<fid_mr> plain = area.expose(0, kPage, 1), counted = area.expose(kPage, kPage, 2);
  fi_cntr_attr attributes{};
  Owned<fid_cntr> counter;
  REQUIRE_OK(fi_cntr_open(node.domain(), &attributes, counter.out(), nullptr));
  node.introduce();
  if (team.rank() == 0) REQUIRE_EQ(end_of(node, {area.bytes(), 8, node.peer(1), 0, 2}), 0);
  team.barrier();
  // Bound only now: what the initiator knows of the region is out of date.
  if (team.rank() == 1) REQUIRE_OK(fi_mr_bind(counted.get(), &counter->fid, FI_REMOTE_WRITE));
  team.barrier();
  if (team.rank() == 0) {
    for (std::uint64_t i = 1; i <= kWrites; ++i) {
      node.submit([&] { return fi_writedata(node.ep(), &i, sizeof i, nullptr, i, node.peer(1), 8 * i, 1, nullptr); });
      node.await_send();
      REQUIRE_EQ(end_of(node, {&i, sizeof i, node.peer(1), 8 * i, 2}), 0);
    }
  } else {
    for (std::uint64_t i = 1; i <= kWrites; ++i) {
      const Entry entry = node.await_receive();
      CHECK_EQ(entry.data, i);
      CHECK_EQ(area.word(8 * i), i);
    }
    node.until("all to be counted", [&] { return fi_cntr_read(counter.get()) == kWrites; });
    CHECK_EQ(area.word(kPage + 8 * kWrites), kWrites);
  }
  team.barrier();
}

// What is closed is out of reach at once, whatever was known of it, and its key leads to what has it next.
TEST(window_memory_closed, .ranks = 2, .anchor_only = true, .window_only = true) {
  Node node(team, rma_options());
  WindowArea area(node, kSize);
  Bytes elsewhere(kPage);
  node.introduce();
  for (std::uint64_t round = 1; round <= 60; ++round) {
    const bool ordinary = round % 3 == 0;
    const std::size_t offset = round % 7 * kPage;
    Owned<fid_mr> mr;
    if (ordinary) {
      REQUIRE_OK(fi_mr_reg(node.domain(), elsewhere.data(), kPage, kRemoteAccess, 0, 1, 0, mr.out(), nullptr));
    } else {
      mr = area.expose(offset, kPage, 1, round % 5 == 0 ? FI_REMOTE_READ : kRemoteAccess);
    }
    team.barrier();
    std::uint64_t value = round;
    if (team.rank() == 0) {
      const int expected = round % 5 == 0 && !ordinary ? FI_EACCES : 0;
      CHECK_EQ(end_of(node, {&value, 8, node.peer(1), 64, 1}), expected);
      CHECK_EQ(end_of(node, {&value, 8, node.peer(1), kPage - 4, 1}), expected == 0 ? FI_EINVAL : expected);
      CHECK_EQ(end_of(node, {&value, 8, node.peer(1), 0, 9}), FI_EKEYREJECTED);
    }
    team.barrier();
    if (team.rank() == 1 && (round % 5 != 0 || ordinary)) {
      std::uint64_t there;
      std::memcpy(&there, (ordinary ? elsewhere.data() : area.bytes() + offset) + 64, sizeof there);
      CHECK_EQ(there, round);
    }
    mr.reset();
    team.barrier();
    if (team.rank() == 0) CHECK_EQ(end_of(node, {&value, 8, node.peer(1), 64, 1}), FI_EKEYREJECTED);
    team.barrier();
  }
}

// A message comes after the writes before it, and what is read after them finds them, whichever way they go.
TEST(window_memory_order, .ranks = 2, .anchor_only = true, .window_only = true) {
  constexpr std::uint64_t kRounds = 2000;
  Node node(team, rma_options());
  WindowArea area(node, kPage);
  Bytes beyond(2 * kPage);
  // Key 2 leads to the same memory, and on to other: not placed.
  const Owned<fid_mr> placed = area.expose(0, kPage, 1);
  const iovec segments[] = {{area.bytes(), kPage}, {beyond.data(), beyond.size()}};
  fi_mr_attr attributes{};
  attributes.mr_iov = segments;
  attributes.iov_count = 2;
  attributes.access = kRemoteAccess;
  attributes.requested_key = 2;
  Owned<fid_mr> mixed;
  REQUIRE_OK(fi_mr_regattr(node.domain(), &attributes, 0, mixed.out()));
  node.introduce();
  team.barrier();
  constexpr std::size_t kWide = 2 * kPage - 256;  // across the border of the two segments
  Bytes wide;
  if (team.rank() == 0) {
    hand_over(team, node, kRounds, [&](std::uint64_t i) {
      wide = patterned(kWide, i);
      node.submit(
          [&] { return fi_write(node.ep(), wide.data(), wide.size(), nullptr, node.peer(1), 128, 2, nullptr); });
      return 1;
    });
  } else {
    take_over(node, kRounds, [&](std::uint64_t i) {
      wide = patterned(kWide, i);
      REQUIRE_EQ(area.word(kHandOverWord), i);
      REQUIRE(std::memcmp(area.bytes() + 128, wide.data(), kPage - 128) == 0);
      REQUIRE(std::memcmp(beyond.data(), wide.data() + kPage - 128, wide.size() - (kPage - 128)) == 0);
    });
  }
  team.barrier();  // a read may still be under way
}

// Messages that are received there: far more than the FIFO holds, while the receiver makes no call.
TEST(window_memory_messages, .ranks = 2, .anchor_only = true, .window_only = true) {
  Node node(team, rma_options());
  WindowArea area(node, kSize);
  node.introduce();
  for (std::uint64_t round = 1; round <= 20; ++round) {
    const bool posted = round % 2 == 0;
    Bytes sent = patterned(kSize - round, round);
    sent.front() = std::byte{0xff};  // not what the memory holds before
    if (team.rank() == 0) {
      if (posted) team.hear(1);
      node.submit([&] { return fi_tsend(node.ep(), sent.data(), sent.size(), nullptr, node.peer(1), round, nullptr); });
      if (!posted) team.tell(1, "sent");
      CHECK_EQ(node.await_send().error, 0);
      continue;
    }
    if (!posted) team.hear(0);
    std::memset(area.bytes(), 0, kSize);
    node.submit([&] {
      return fi_trecv(node.ep(), area.bytes() + round, sent.size(), nullptr, FI_ADDR_UNSPEC, round, 0, nullptr);
    });
    if (posted) team.tell(0, "posted");
    // The first byte has come: the sender knows where to put the rest.
    const auto* const first = reinterpret_cast<const std::atomic<unsigned char>*>(area.bytes() + round);
    node.until("the first byte", [&] { return first->load() == static_cast<unsigned char>(sent[0]); });
    // A copy is compared: memcmp() looks twice at a byte that differs, and takes all for equal if it has come
    // meanwhile.
    Bytes seen(sent.size());
    const auto all_there = [&] {
      std::memcpy(seen.data(), area.bytes() + round, seen.size());
      return seen == sent;
    };
    const Deadline clock(10);
    while (!all_there() && !clock.expired()) sched_yield();
    CHECK(all_there());
    CHECK_EQ(node.await_receive().length, sent.size());
  }
  team.barrier();
}

// Its owner is killed while it is written to: the writer hears of it, and its host has the memory again.
TEST(window_memory_death, .ranks = 4, .mortal = 1u << 1, .anchor_only = true, .window_only = true) {
  Node node(team, rma_options());
  node.introduce();
  fi_anchor_window_ops* const ops = window_ops(node);
  fi_anchor_window_attr attributes;
  REQUIRE_OK(ops->query(node.domain(), &attributes));
  const std::size_t most = attributes.size / 4 * 3;
  if (team.rank() == 1) {
    WindowArea area(node, most);
    const Owned<fid_mr> mr = area.expose(0, most, 1);
    team.tell(0, own_pid());
    team.hear(0);  // connected
    team.await_death();
  }
  if (team.rank() == 0) {
    const pid_t victim = pid_from(team.hear_text(1));
    Bytes bytes = patterned(kSize, 1);
    REQUIRE_EQ(end_of(node, {bytes.data(), 8, node.peer(1), 0, 1}), 0);
    team.tell(1, "connected");
    for (std::uint64_t i = 0; i < 20; ++i)
      REQUIRE_EQ(end_of(node, {bytes.data(), kSize, node.peer(1), i * kSize, 1}), 0);
    REQUIRE(kill(victim, SIGKILL) == 0);
    int error = 0;
    const Deadline clock(10);
    while (error == 0 && !clock.expired()) error = end_of(node, {bytes.data(), kSize, node.peer(1), 0, 1});
    CHECK(means_peer_lost(error));
  }
  // One of us is of its host, and each gets as much, one after the other.
  for (const int rank : {0, 2, 3}) {
    if (team.rank() == rank) {
      void* memory = nullptr;
      node.until(
          "the memory", [&] { return ops->allocate(node.domain(), most, 0, &memory) == 0; }, 60);
      if (memory != nullptr) CHECK_EQ(ops->free(node.domain(), memory), 0);
    }
    team.barrier();
  }
}

}  // namespace anchor::fabtests
