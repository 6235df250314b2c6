// SPDX-License-Identifier: BSD-2-Clause
// What fi_getinfo(3) promises of order: reads and writes of the same memory in the order of their calls, whatever their
// sizes; a message after a write arrives after it.
#include <algorithm>
#include <cstring>

#include "common/registry.h"
#include "exposed.h"

namespace anchor::fabtests {

namespace {

constexpr std::size_t kLargest = 300'000;
constexpr std::size_t kSizes[] = {8, 4000, 30'000, kLargest};

struct Scene {
  explicit Scene(Team& team) : node(team, rma_options()), exposed(node, kLargest, 1) {
    node.introduce();
    team.barrier();
  }
  Access at(Bytes& bytes, std::size_t size) { return {bytes.data(), size, node.peer(1), 0, 1, 0, nullptr}; }
  // Without waiting for an end.
  void write(Bytes& bytes, std::size_t size) {
    node.submit([&] { return write_message(node.ep(), at(bytes, size), FI_COMPLETION); });
    ++outstanding;
  }
  void read(Bytes& bytes, std::size_t size) {
    node.submit([&] { return read_message(node.ep(), at(bytes, size), FI_COMPLETION); });
    ++outstanding;
  }
  void await_all() {
    for (; outstanding > 0; --outstanding) node.await_send();
  }

  Node node;
  Exposed exposed;
  int outstanding = 0;
};

}  // namespace

TEST(rma_order_promised) {
  const Info info = info_or_skip(message_hints(FI_RMA).get());
  constexpr std::uint64_t kKept =
      FI_ORDER_RAR | FI_ORDER_RAW | FI_ORDER_WAR | FI_ORDER_WAW | FI_ORDER_SAR | FI_ORDER_SAW | FI_ORDER_SAS;
  if (!Team::provider_is_anchor()) return;
  CHECK_EQ(info->tx_attr->msg_order & kKept, kKept);
  CHECK_EQ(info->tx_attr->msg_order & (FI_ORDER_RAS | FI_ORDER_WAS), 0u);
  CHECK_EQ(info->ep_attr->max_order_raw_size, SIZE_MAX);
  CHECK_EQ(info->ep_attr->max_order_war_size, SIZE_MAX);
  CHECK_EQ(info->ep_attr->max_order_waw_size, SIZE_MAX);
}

// Write, read, write, read of one place, none awaited: each read sees the write before it and not the one after.
TEST(rma_order_of_reads_and_writes, .ranks = 2, .seconds = 60, .anchor_only = true) {
  Scene scene(team);
  if (team.rank() == 0) {
    for (const std::size_t size : kSizes) {
      constexpr std::size_t kRounds = 8;
      std::vector<Bytes> out(kRounds), in(kRounds);
      for (std::uint64_t i = 0; i < kRounds; ++i) {
        out[i] = patterned(size, i + size);
        in[i].resize(size);
        scene.write(out[i], size);
        if (i % 2 == 1) scene.write(out[i], size / 2);
        scene.read(in[i], size);
      }
      scene.await_all();
      for (std::uint64_t i = 0; i < kRounds; ++i) check_pattern(in[i].data(), size, i + size);
    }
  }
  team.barrier();
}
TEST_AGAIN(rma_order_of_reads_and_writes_through_fifo, rma_order_of_reads_and_writes, .ranks = 2, .seconds = 60,
           .anchor_only = true, .environment = {"FI_ANCHOR_CMA=no"});

// The last of many writes stays.
TEST(rma_order_of_writes, .ranks = 2, .anchor_only = true) {
  Scene scene(team);
  for (const std::size_t size : kSizes) {
    std::vector<Bytes> out(20);
    if (team.rank() == 0) {
      for (std::uint64_t i = 0; i < out.size(); ++i) {
        out[i] = patterned(size, i);
        scene.write(out[i], size);
      }
      scene.await_all();
    }
    team.barrier();
    if (team.rank() == 1) check_pattern(scene.exposed.memory.data(), size, out.size() - 1);
    team.barrier();
  }
}
TEST_AGAIN(rma_order_of_writes_through_fifo, rma_order_of_writes, .ranks = 2, .anchor_only = true,
           .environment = {"FI_ANCHOR_CMA=no"});

// Writes and messages of all sizes mixed; whoever has a message sees the write before it.
TEST(rma_order_of_messages_after_writes, .ranks = 2, .seconds = 60, .anchor_only = true) {
  constexpr std::uint64_t kRounds = 60;
  Scene scene(team);
  Node& node = scene.node;
  for (std::uint64_t i = 0; i < kRounds; ++i) {
    const std::size_t size = kSizes[i % 4], message_size = kSizes[i / 4 % 4];
    if (team.rank() == 0) {
      Bytes out = patterned(size, i), message = patterned(message_size, i);
      scene.write(out, size);
      node.submit([&] { return fi_tsend(node.ep(), message.data(), message_size, nullptr, node.peer(1), i, nullptr); });
      node.await_send();
      node.await_send();
      scene.outstanding = 0;
      char go;
      node.submit([&] { return fi_trecv(node.ep(), &go, 1, nullptr, FI_ADDR_UNSPEC, i, 0, nullptr); });
      node.await_receive();
    } else {
      Bytes message(message_size);
      node.submit(
          [&] { return fi_trecv(node.ep(), message.data(), message_size, nullptr, FI_ADDR_UNSPEC, i, 0, nullptr); });
      node.await_receive();
      check_pattern(message.data(), message_size, i);
      check_pattern(scene.exposed.memory.data(), size, i);
      node.submit([&] { return fi_tinject(node.ep(), "g", 1, node.peer(0), i); });
    }
  }
  team.barrier();
}
TEST_AGAIN(rma_order_of_messages_after_writes_through_fifo, rma_order_of_messages_after_writes, .ranks = 2,
           .seconds = 60, .anchor_only = true, .environment = {"FI_ANCHOR_CMA=no"});

// Both sides read and write each other, large, while messages go both ways: nobody waits for ever.
TEST(rma_crossing, .ranks = 2, .seconds = 60, .anchor_only = true) {
  constexpr std::uint64_t kRounds = 30;
  Node node(team, rma_options());
  Exposed mine(node, 2 * kLargest, 1);
  fill_pattern(mine.memory.data(), kLargest, static_cast<std::uint64_t>(team.rank()));
  node.introduce();
  team.barrier();
  const int other = 1 - team.rank();
  Bytes in(kLargest), out = patterned(kLargest, 9), message = patterned(kLargest, 4), heard(kLargest);
  for (std::uint64_t i = 0; i < kRounds; ++i) {
    node.submit([&] { return fi_trecv(node.ep(), heard.data(), kLargest, nullptr, FI_ADDR_UNSPEC, i, 0, nullptr); });
    node.submit([&] { return read_message(node.ep(), {in.data(), kLargest, node.peer(other), 0, 1}, FI_COMPLETION); });
    node.submit([&] { return fi_tsend(node.ep(), message.data(), kLargest, nullptr, node.peer(other), i, nullptr); });
    node.submit([&] {
      return write_message(node.ep(), {out.data(), kLargest, node.peer(other), kLargest, 1}, FI_COMPLETION);
    });
    for (int n = 0; n < 3; ++n) node.await_send();
    node.await_receive();
    check_pattern(in.data(), kLargest, static_cast<std::uint64_t>(other));
    check_pattern(heard.data(), kLargest, 4);
  }
  team.barrier();
  check_pattern(mine.memory.data() + kLargest, kLargest, 9);
}
TEST_AGAIN(rma_crossing_through_fifo, rma_crossing, .ranks = 2, .seconds = 60, .anchor_only = true,
           .environment = {"FI_ANCHOR_CMA=no"});

}  // namespace anchor::fabtests
