// SPDX-License-Identifier: BSD-2-Clause
// Every call that reads or writes a peer's memory, in all sizes, to another process and to oneself.
#include <algorithm>

#include "common/registry.h"
#include "exposed.h"

namespace anchor::fabtests {

namespace {

constexpr std::size_t kRoom = 3'000'000;
constexpr std::size_t kSizes[] = {0, 1, 7, 8, 40, 41, 4096, 12224, 12225, 24448, 100'001, kRoom - 64};

// Calls in turn, each with another pattern, into different places.
void write_all(Node& node, fi_addr_t peer, const RemoteStart& there, const std::function<void(Access)>& verify) {
  std::uint64_t round = 0;
  for (const AccessCall& call : write_calls()) {
    for (const std::size_t size : kSizes) {
      if (call.inject && size > node.info()->tx_attr->inject_size) continue;
      Bytes source = patterned(size, ++round);
      const std::uint64_t offset = round % 64;
      Access access{source.data(), size, peer, there.address + offset, there.key, round, &source};
      node.submit([&] { return call.call(node.ep(), access); });
      if (call.inject) {
        source.assign(size, std::byte{0});  // it is ours again
      } else {
        const Entry entry = node.await_send();
        CHECK_EQ(entry.flags, FI_RMA | FI_WRITE);
        CHECK_EQ(entry.context, static_cast<void*>(&source));
      }
      access.address = offset;
      access.buffer = nullptr;
      access.data = call.data ? round : 0;
      verify(access);
    }
  }
}

void expect_data(Node& node, std::uint64_t data, std::size_t size) {
  const Entry entry = node.await_receive();
  CHECK_EQ(entry.flags, FI_RMA | FI_REMOTE_WRITE | FI_REMOTE_CQ_DATA);
  CHECK_EQ(entry.data, data);
  CHECK_EQ(entry.length, size);
  CHECK_EQ(entry.context, static_cast<void*>(nullptr));
}

}  // namespace

// The writer says by message what it wrote: a send after a write arrives after it.
TEST(rma_write_calls, .ranks = 2, .seconds = 60, .anchor_only = true) {
  Node node(team, rma_options());
  Exposed exposed(node, kRoom, 77);
  node.introduce();
  const auto starts = exposed.introduce(team);
  struct Report {
    std::uint64_t offset, size, round, data, last;
  };
  if (team.rank() == 0) {
    std::uint64_t round = 0;
    write_all(node, node.peer(1), starts[1], [&](const Access& done) {
      const Report report{done.address, done.size, ++round, done.data, 0};
      node.submit([&] { return fi_tinject(node.ep(), &report, sizeof(report), node.peer(1), 1); });
      char answer;
      node.submit([&] { return fi_trecv(node.ep(), &answer, 1, nullptr, FI_ADDR_UNSPEC, 2, 0, nullptr); });
      node.await_receive();
    });
    const Report last{0, 0, 0, 0, 1};
    node.submit([&] { return fi_tinject(node.ep(), &last, sizeof(last), node.peer(1), 1); });
  } else {
    for (;;) {
      Report report;
      node.submit([&] { return fi_trecv(node.ep(), &report, sizeof(report), nullptr, FI_ADDR_UNSPEC, 1, 0, &report); });
      Entry entry = node.await_receive();
      if (entry.context == nullptr) {  // the data comes first
        CHECK_EQ(entry.flags, FI_RMA | FI_REMOTE_WRITE | FI_REMOTE_CQ_DATA);
        const std::uint64_t data = entry.data;
        CHECK_EQ(node.await_receive().context, static_cast<void*>(&report));
        CHECK_EQ(report.data, data);
        CHECK_EQ(entry.length, report.size);
      } else {
        CHECK_EQ(report.data, 0u);
      }
      if (report.last != 0) break;
      const std::byte* where = exposed.memory.data() + report.offset;
      check_pattern(where, report.size, report.round);
      check_untouched(exposed.memory.data(), report.offset, kUntouched);
      check_untouched(where + report.size, kRoom - report.offset - report.size, kUntouched);
      exposed.memory.assign(kRoom, kUntouched);
      node.submit([&] { return fi_tinject(node.ep(), "a", 1, node.peer(0), 2); });
    }
  }
  team.barrier();
}
TEST_AGAIN(rma_write_calls_through_fifo, rma_write_calls, .ranks = 2, .seconds = 60, .anchor_only = true,
           .environment = {"FI_ANCHOR_CMA=no"});

TEST(rma_read_calls, .ranks = 2, .seconds = 60, .anchor_only = true) {
  Node node(team, rma_options());
  Exposed exposed(node, kRoom, 77, FI_REMOTE_READ);
  fill_pattern(exposed.memory.data(), kRoom, 5);
  node.introduce();
  const auto starts = exposed.introduce(team);
  for (const AccessCall& call : read_calls()) {
    if (team.rank() != 0) break;
    for (const std::size_t size : kSizes) {
      Bytes target(size + 2, kUntouched);
      const std::uint64_t offset = size % 63;
      node.submit([&] {
        return call.call(node.ep(), {target.data() + 1, size, node.peer(1), offset, starts[1].key, 0, &target});
      });
      const Entry entry = node.await_send();
      CHECK_EQ(entry.flags, FI_RMA | FI_READ);
      CHECK_EQ(entry.context, static_cast<void*>(&target));
      check_pattern(target.data() + 1, size, 5, offset);
      CHECK(target.front() == kUntouched && target.back() == kUntouched);
    }
  }
  team.barrier();
  check_pattern(exposed.memory.data(), kRoom, 5);
}
TEST_AGAIN(rma_read_calls_through_fifo, rma_read_calls, .ranks = 2, .seconds = 60, .anchor_only = true,
           .environment = {"FI_ANCHOR_CMA=no"});

TEST(rma_to_oneself, .seconds = 60, .anchor_only = true) {
  Node node(team, rma_options());
  Exposed exposed(node, kRoom, 77);
  node.introduce();
  std::uint64_t round = 0;
  write_all(node, node.peer(0), exposed.start(), [&](const Access& done) {
    if (done.data != 0) expect_data(node, done.data, done.size);
    check_pattern(exposed.memory.data() + done.address, done.size, ++round);
    exposed.memory.assign(kRoom, kUntouched);
  });
  fill_pattern(exposed.memory.data(), kRoom, 5);
  for (const AccessCall& call : read_calls()) {
    Bytes target(100'000);
    node.submit([&] { return call.call(node.ep(), {target.data(), 100'000, node.peer(0), 3, 77, 0, nullptr}); });
    CHECK_EQ(node.await_send().flags, FI_RMA | FI_READ);
    check_pattern(target.data(), target.size(), 5, 3);
  }
  // Memory that overlaps itself.
  write_to(node, {exposed.memory.data(), 100'000, node.peer(0), 10, 77});
  check_pattern(exposed.memory.data() + 10, 100'000, 5);
}

// Several pieces on both sides, cut differently.
TEST(rma_vectors, .ranks = 2, .anchor_only = true) {
  constexpr std::size_t kSize = 100'000;
  Node node(team, rma_options());
  Exposed first(node, kSize, 1), second(node, kSize, 2);
  node.introduce();
  team.barrier();
  if (team.rank() == 0) {
    for (std::uint64_t round = 1; round <= 4; ++round) {
      const std::size_t unit = round == 4 ? 20'000 : 7 * round;
      Bytes bytes = patterned(4 * unit, round);
      std::byte* b = bytes.data();
      const iovec ours[] = {{b, unit}, {b + unit, 0}, {b + unit, 2 * unit}, {b + 3 * unit, unit}};
      const fi_rma_iov theirs[] = {{5, unit / 2, 1}, {9, 0, 2}, {10, 3 * unit, 2}, {60'000, unit - unit / 2, 1}};
      fi_msg_rma message{};
      message.msg_iov = ours;
      message.iov_count = 4;
      message.addr = node.peer(1);
      message.rma_iov = theirs;
      message.rma_iov_count = 4;
      node.submit([&] { return fi_writemsg(node.ep(), &message, FI_COMPLETION); });
      node.await_send();
      Bytes back(4 * unit);
      const iovec whole{back.data(), back.size()};
      message.msg_iov = &whole;
      message.iov_count = 1;
      node.submit([&] { return fi_readmsg(node.ep(), &message, FI_COMPLETION); });
      node.await_send();
      check_pattern(back.data(), back.size(), round);
    }
  }
  team.barrier();
  if (team.rank() == 1) {
    check_pattern(first.memory.data() + 5, 10'000, 4);
    check_pattern(second.memory.data() + 10, 60'000, 4, 10'000);
    check_pattern(first.memory.data() + 60'000, 10'000, 4, 70'000);
  }
}
TEST_AGAIN(rma_vectors_through_fifo, rma_vectors, .ranks = 2, .anchor_only = true, .environment = {"FI_ANCHOR_CMA=no"});

// Injected by a message call the bytes are the caller's again, too, but there is an entry.
TEST(rma_injected_message, .ranks = 2, .anchor_only = true) {
  Node node(team, rma_options());
  const std::size_t limit = node.info()->tx_attr->inject_size;
  Exposed exposed(node, 2 * limit, 1);
  node.introduce();
  team.barrier();
  if (team.rank() == 0) {
    Bytes bytes = patterned(limit + 1, 3);
    std::uint64_t address = 0;
    for (const std::size_t size : {std::size_t{8}, limit}) {
      fill_pattern(bytes.data(), size, 3);
      const Access access{bytes.data(), size, node.peer(1), address, 1};
      node.submit([&] { return write_message(node.ep(), access, FI_COMPLETION | FI_INJECT); });
      std::fill(bytes.begin(), bytes.end(), std::byte{0});
      CHECK_EQ(node.await_send().flags, FI_RMA | FI_WRITE);
      address += size;
    }
    CHECK_EQ(write_message(node.ep(), {bytes.data(), limit + 1, node.peer(1), 0, 1}, FI_INJECT), -FI_EMSGSIZE);
  }
  team.barrier();
  if (team.rank() == 1) {
    check_pattern(exposed.memory.data(), 8, 3);
    check_pattern(exposed.memory.data() + 8, limit, 3);
  }
}
TEST_AGAIN(rma_injected_message_through_fifo, rma_injected_message, .ranks = 2, .anchor_only = true,
           .environment = {"FI_ANCHOR_CMA=no"});

TEST(rma_refuses_nonsense, .anchor_only = true) {
  Node node(team, rma_options());
  Exposed exposed(node, 100, 1);
  node.introduce();
  char bytes[100] = {};
  const fi_addr_t self = node.peer(0);
  const std::size_t limit = node.info()->tx_attr->inject_size;
  const Bytes large(limit + 1);
  CHECK_EQ(fi_inject_write(node.ep(), large.data(), large.size(), self, 0, 1), -FI_EMSGSIZE);
  const iovec many[5] = {};
  CHECK_EQ(fi_writev(node.ep(), many, nullptr, 5, self, 0, 1, nullptr), -FI_EINVAL);
  CHECK_EQ(fi_readv(node.ep(), many, nullptr, 5, self, 0, 1, nullptr), -FI_EINVAL);
  CHECK_EQ(write_message(node.ep(), {bytes, 8, self, 0, 1}, FI_PEEK), -FI_EBADFLAGS);
  CHECK_EQ(read_message(node.ep(), {bytes, 8, self, 0, 1}, FI_REMOTE_CQ_DATA), -FI_EBADFLAGS);
  const iovec segment{bytes, 8};
  const fi_rma_iov shorter{0, 7, 1}, longer{0, 9, 1};
  fi_msg_rma message{};
  message.msg_iov = &segment;
  message.iov_count = 1;
  message.addr = self;
  message.rma_iov_count = 1;
  message.rma_iov = &shorter;
  CHECK_EQ(fi_writemsg(node.ep(), &message, 0), -FI_EINVAL);
  message.rma_iov = &longer;
  CHECK_EQ(fi_readmsg(node.ep(), &message, 0), -FI_EINVAL);
  message.rma_iov_count = 0;
  CHECK_EQ(fi_readmsg(node.ep(), &message, 0), -FI_EINVAL);
  CHECK_EQ(fi_write(node.ep(), bytes, 8, nullptr, 77, 0, 1, nullptr), -FI_EINVAL);
}

}  // namespace anchor::fabtests
