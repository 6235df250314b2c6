// SPDX-License-Identifier: BSD-2-Clause
// Removal from an address vector: stale addresses are refused, slots are used again, and a peer survives it all.
#include "common/node.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

void send_byte(Node& node, fi_addr_t to) {
  char byte = 'r';
  node.submit([&] { return fi_send(node.ep(), &byte, 1, nullptr, to, nullptr); });
  node.await_send();
}

void receive_byte(Node& node) {
  char byte = 0;
  node.submit([&] { return fi_recv(node.ep(), &byte, 1, nullptr, FI_ADDR_UNSPEC, nullptr); });
  CHECK_EQ(node.await_receive().length, 1u);
}

void check_stale(Node& node, fi_addr_t address) {
  Bytes name(64);
  std::size_t length = name.size();
  CHECK(fi_av_lookup(node.av(), address, name.data(), &length) < 0);
  CHECK(fi_send(node.ep(), "x", 1, nullptr, address, nullptr) < 0);
  CHECK(fi_tinject(node.ep(), "x", 1, address, 0) < 0);
}

}  // namespace

TEST(av_removed_address_is_refused, .anchor_only = true) {
  for (const fi_av_type type : {FI_AV_MAP, FI_AV_TABLE}) {
    Node node(team, {.av_type = type});
    fi_addr_t self = node.insert(node.name());
    REQUIRE_OK(fi_av_remove(node.av(), &self, 1, 0));
    check_stale(node, self);
    CHECK(fi_av_remove(node.av(), &self, 1, 0) < 0);
  }
}

// In a map a slot used again gets another address, so that the old one cannot lead to somebody else.
TEST(av_map_slot_reuse_keeps_old_address_stale, .anchor_only = true) {
  const OpenDomain open = OpenDomain::usual();
  Node node(team, open, {.av_type = FI_AV_MAP});
  Node other(team, open);
  fi_addr_t old = node.insert(node.name());
  for (int i = 0; i < 50; ++i) {
    REQUIRE_OK(fi_av_remove(node.av(), &old, 1, 0));
    const fi_addr_t fresh = node.insert(i % 2 == 0 ? other.name() : node.name());
    CHECK(fresh != old);
    check_stale(node, old);
    old = fresh;
  }
}

TEST(av_table_uses_the_lowest_free_slot, .anchor_only = true) {
  const OpenDomain open = OpenDomain::usual();
  std::vector<std::unique_ptr<Node>> nodes;
  for (int i = 0; i < 5; ++i) nodes.push_back(std::make_unique<Node>(team, open));
  Node& first = *nodes[0];
  for (int i = 0; i < 4; ++i) CHECK_EQ(first.insert(nodes[static_cast<std::size_t>(i)]->name()), i);
  fi_addr_t removed[] = {1, 3};
  REQUIRE_OK(fi_av_remove(first.av(), removed, 2, 0));
  CHECK_EQ(first.insert(nodes[4]->name()), 1u);
  CHECK_EQ(first.insert(nodes[1]->name()), 3u);
  const auto heard_by = [&](std::size_t receiver, fi_addr_t address) {
    char byte = 0;
    nodes[receiver]->submit([&] { return fi_recv(nodes[receiver]->ep(), &byte, 1, nullptr, FI_ADDR_UNSPEC, nullptr); });
    first.submit([&] { return fi_inject(first.ep(), "t", 1, address); });
    first.until("the message at the right endpoint", [&] {
      nodes[receiver]->progress();
      return !nodes[receiver]->receives().empty();
    });
    nodes[receiver]->await_receive();
  };
  heard_by(4, 1);
  heard_by(1, 3);
  heard_by(2, 2);
}

// A peer is talked to, removed, inserted again, talked to: the connection or a new one serves both.
TEST(av_remove_and_insert_again, .ranks = 2) {
  Node node(team, {.av_type = FI_AV_MAP});
  const std::vector<Bytes> names = team.gather(node.name());
  for (int round = 0; round < 10; ++round) {
    if (team.rank() == 0) {
      fi_addr_t peer = node.insert(names[1]);
      send_byte(node, peer);
      team.barrier();
      CHECK_OK(fi_av_remove(node.av(), &peer, 1, 0));
    } else {
      receive_byte(node);
      team.barrier();
    }
  }
  team.barrier();
}

// What was sent before the address went still arrives.
TEST(av_remove_after_sending, .ranks = 2, .anchor_only = true) {
  constexpr int kMessages = 100;
  Node node(team);
  node.introduce();
  if (team.rank() == 0) {
    fi_addr_t peer = node.peer(1);
    for (int i = 0; i < kMessages; ++i) send_byte(node, peer);
    CHECK_OK(fi_av_remove(node.av(), &peer, 1, 0));
    team.barrier();
  } else {
    team.barrier();
    for (int i = 0; i < kMessages; ++i) receive_byte(node);
  }
  team.barrier();
}

// The receiver forgets the sender: messages come still, from an unknown source, and directed receives do not match.
TEST(av_receiver_forgets_sender, .ranks = 2, .anchor_only = true) {
  Node node(team, {.caps = FI_MSG | FI_SOURCE | FI_DIRECTED_RECV});
  node.introduce();
  fi_addr_t peer = node.peer(1 - team.rank());
  if (team.rank() == 0) {
    send_byte(node, peer);
    team.barrier();
    send_byte(node, peer);
  } else {
    char bytes[2];
    node.submit([&] { return fi_recv(node.ep(), &bytes[0], 1, nullptr, FI_ADDR_UNSPEC, nullptr); });
    CHECK_EQ(node.await_receive().source, peer);
    REQUIRE_OK(fi_av_remove(node.av(), &peer, 1, 0));
    node.submit([&] { return fi_recv(node.ep(), &bytes[1], 1, nullptr, FI_ADDR_UNSPEC, nullptr); });
    team.barrier();
    CHECK_EQ(node.await_receive().source, FI_ADDR_NOTAVAIL);
  }
  team.barrier();
}

}  // namespace anchor::fabtests
