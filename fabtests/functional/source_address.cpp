// SPDX-License-Identifier: BSD-2-Clause
// Who sent it: directed receives, FI_SOURCE, FI_SOURCE_ERR.
#include "common/node.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

constexpr std::uint64_t kWithSource = FI_MSG | FI_TAGGED | FI_SOURCE | FI_DIRECTED_RECV;

void send_number(Node& node, std::uint64_t number, fi_addr_t to, std::uint64_t tag) {
  node.submit([&] { return fi_tsend(node.ep(), &number, sizeof(number), nullptr, to, tag, nullptr); });
  node.await_send();
}

}  // namespace

// Receives from one peer each, posted in the order opposite to the messages'.
TEST(source_directed_receives, .ranks = 4) {
  Node node(team, {.caps = kWithSource});
  node.introduce();
  if (team.rank() != 0) {
    for (std::uint64_t i = 0; i < 20; ++i)
      send_number(node, 100 * static_cast<std::uint64_t>(team.rank()) + i, node.peer(0), 7);
    team.barrier();
    return;
  }
  std::uint64_t numbers[4][20] = {};
  for (int rank = 3; rank > 0; --rank) {
    for (std::uint64_t& place : numbers[rank]) {
      node.submit([&] { return fi_trecv(node.ep(), &place, 8, nullptr, node.peer(rank), 7, 0, &place); });
    }
  }
  for (int i = 0; i < 60; ++i) {
    const Entry entry = node.await_receive();
    CHECK_EQ(entry.source, node.peer(static_cast<int>(*static_cast<std::uint64_t*>(entry.context) / 100)));
  }
  for (int rank = 1; rank <= 3; ++rank) {
    for (std::uint64_t i = 0; i < 20; ++i) CHECK_EQ(numbers[rank][i], 100u * static_cast<unsigned>(rank) + i);
  }
  team.barrier();
}

// The same without tags, and with messages that came first.
TEST(source_directed_untagged_unexpected, .ranks = 3) {
  Node node(team, {.caps = kWithSource});
  node.introduce();
  if (team.rank() != 0) {
    const auto number = static_cast<std::uint64_t>(team.rank());
    node.submit([&] { return fi_inject(node.ep(), &number, sizeof(number), node.peer(0)); });
    team.barrier();
  } else {
    team.barrier();
    for (const int rank : {2, 1}) {
      std::uint64_t number = 0;
      node.submit([&] { return fi_recv(node.ep(), &number, 8, nullptr, node.peer(rank), nullptr); });
      CHECK_EQ(node.await_receive().source, node.peer(rank));
      CHECK_EQ(number, static_cast<std::uint64_t>(rank));
    }
  }
  team.barrier();
}

// Without FI_DIRECTED_RECV the address of a receive is ignored.
TEST(source_ignored_without_capability, .ranks = 2, .anchor_only = true) {
  Node node(team, {.caps = FI_TAGGED});
  node.introduce();
  if (team.rank() == 0) {
    send_number(node, 5, node.peer(1), 7);
  } else {
    std::uint64_t number = 0;
    node.submit([&] { return fi_trecv(node.ep(), &number, 8, nullptr, node.peer(1), 7, 0, nullptr); });  // itself
    node.await_receive();
    CHECK_EQ(number, 5u);
  }
  team.barrier();
}

// A wildcard posted first takes the message although a directed receive fits better.
TEST(source_wildcard_before_directed, .ranks = 2) {
  Node node(team, {.caps = kWithSource});
  node.introduce();
  if (team.rank() == 1) {
    std::uint64_t first = 0, second = 0;
    node.submit([&] { return fi_trecv(node.ep(), &first, 8, nullptr, FI_ADDR_UNSPEC, 7, 0, &first); });
    node.submit([&] { return fi_trecv(node.ep(), &second, 8, nullptr, node.peer(0), 7, 0, &second); });
    team.barrier();
    CHECK_EQ(node.await_receive().context, static_cast<void*>(&first));
    CHECK_EQ(node.await_receive().context, static_cast<void*>(&second));
    CHECK_EQ(first, 1u);
    CHECK_EQ(second, 2u);
  } else {
    team.barrier();
    send_number(node, 1, node.peer(1), 7);
    send_number(node, 2, node.peer(1), 7);
  }
  team.barrier();
}

// A sender that is not in the address vector: its data arrive, its address is not available.
TEST(source_unknown, .ranks = 2, .anchor_only = true) {
  Node node(team, {.caps = FI_TAGGED | FI_SOURCE});
  const std::vector<Bytes> names = team.gather(node.name());
  if (team.rank() == 0) {
    send_number(node, 11, node.insert(names[1]), 7);
  } else {
    std::uint64_t number = 0;
    node.submit([&] { return fi_trecv(node.ep(), &number, 8, nullptr, FI_ADDR_UNSPEC, 7, 0, nullptr); });
    const Entry entry = node.await_receive();
    CHECK_EQ(entry.source, FI_ADDR_NOTAVAIL);
    CHECK_EQ(number, 11u);
  }
  team.barrier();
}

// Inserted between two messages, it is known from the next on, directed receives included.
TEST(source_learnt_between_messages, .ranks = 2, .anchor_only = true) {
  Node node(team, {.caps = kWithSource});
  const std::vector<Bytes> names = team.gather(node.name());
  if (team.rank() == 0) {
    const fi_addr_t peer = node.insert(names[1]);
    for (std::uint64_t i = 0; i < 3; ++i) {
      send_number(node, i, peer, 7);
      team.barrier();
    }
    return;
  }
  std::uint64_t number = 0;
  node.submit([&] { return fi_trecv(node.ep(), &number, 8, nullptr, FI_ADDR_UNSPEC, 7, 0, nullptr); });
  CHECK_EQ(node.await_receive().source, FI_ADDR_NOTAVAIL);
  team.barrier();
  const fi_addr_t peer = node.insert(names[0]);
  node.submit([&] { return fi_trecv(node.ep(), &number, 8, nullptr, peer, 7, 0, nullptr); });
  CHECK_EQ(node.await_receive().source, peer);
  CHECK_EQ(number, 1u);
  team.barrier();
  node.submit([&] { return fi_trecv(node.ep(), &number, 8, nullptr, FI_ADDR_UNSPEC, 7, 0, nullptr); });
  CHECK_EQ(node.await_receive().source, peer);
  team.barrier();
}

// FI_SOURCE_ERR: the completion comes as an error that carries the raw address, good for inserting and answering.
TEST(source_unknown_reported_as_error, .ranks = 2, .anchor_only = true) {
  Node node(team, {.caps = FI_TAGGED | FI_SOURCE | FI_SOURCE_ERR});
  const std::vector<Bytes> names = team.gather(node.name());
  std::uint64_t number = 0;
  const auto receive = [&] {
    node.submit([&] { return fi_trecv(node.ep(), &number, 8, nullptr, FI_ADDR_UNSPEC, 7, 0, &number); });
  };
  if (team.rank() == 0) {
    const fi_addr_t peer = node.insert(names[1]);
    receive();
    send_number(node, 21, peer, 7);
    CHECK_EQ(node.await_receive().source, peer);
    CHECK_EQ(number, 22u);
  } else {
    receive();
    const Entry entry = node.await_receive_error();
    CHECK_EQ(entry.error, FI_EADDRNOTAVAIL);
    CHECK_EQ(entry.context, static_cast<void*>(&number));
    CHECK_EQ(entry.length, 8u);
    CHECK_EQ(entry.tag, 7u);
    CHECK_EQ(number, 21u);
    CHECK(entry.error_data == names[0]);
    send_number(node, 22, node.insert(entry.error_data), 7);
  }
  team.barrier();
}

}  // namespace anchor::fabtests
