// SPDX-License-Identifier: BSD-2-Clause
// A killed peer starts again under the same name: its leftovers are in nobody's way, and those who knew it talk on.
#include "common/registry.h"
#include "common/shared_memory.h"
#include "victims.h"

namespace anchor::fabtests {

namespace {

NodeOptions named(const std::string& service) {
  NodeOptions options;
  options.caps = FI_MSG | FI_TAGGED | FI_DIRECTED_RECV;
  if (!service.empty()) options.host = kThisHost;
  options.service = service;
  return options;
}

void exchange(Node& node, fi_addr_t with, std::uint64_t own, std::uint64_t theirs) {
  std::uint64_t in = 0;
  node.submit([&] { return fi_trecv(node.ep(), &in, 8, nullptr, FI_ADDR_UNSPEC, 1, 0, nullptr); });
  node.submit([&] { return fi_tsend(node.ep(), &own, 8, nullptr, with, 1, nullptr); });
  node.await_receive();
  node.await_send();
  CHECK_EQ(in, theirs);
}

// Rank 1 in each of its lives.
void live_and_die(Team& team, const std::string& service) {
  Node node(team, named(service));
  team.tell(0, own_pid());
  const fi_addr_t other = node.insert(team.hear(0));
  const auto life = static_cast<std::uint64_t>(team.generation());
  exchange(node, other, 100 + life, 200 + life);
  team.tell(0, "exchanged");
  if (team.generation() == 5) {
    team.hear(0);
    return;
  }
  team.await_death();
}

}  // namespace

TEST(restart_under_the_same_name, .ranks = 2, .mortal = 1u << 1, .restarts = 5, .anchor_only = true) {
  const std::string service = "7001";  // of both ranks, in all lives
  if (team.rank() == 1) return live_and_die(team, service);
  Node node(team, named(""));
  const fi_addr_t peer = node.insert(address_of(kThisHost, service));
  for (std::uint64_t life = 0; life <= 5; ++life) {
    const pid_t victim = pid_from(team.hear_text(1));
    team.tell(1, node.name());
    exchange(node, peer, 200 + life, 100 + life);
    team.hear(1);
    if (life == 5) break;
    char byte;
    node.submit([&] { return fi_trecv(node.ep(), &byte, 1, nullptr, peer, 9, 0, nullptr); });
    CHECK_EQ(kill_and_collect(node, victim, 0, 1), 1);
  }
  team.tell(1, "end");
}

// Whatever a killed process left in /dev/shm is gone once the next one has started.
TEST(restart_sweeps_leftovers, .ranks = 2, .mortal = 1u << 1, .anchor_only = true, .shm_only = true) {
  if (!shared_memory_is_private()) skip("needs a /dev/shm of its own, that is, to be root");
  if (team.rank() == 1) {
    const OpenDomain open = OpenDomain::usual();
    std::vector<std::unique_ptr<Node>> nodes;
    for (int i = 0; i < 5; ++i) nodes.push_back(std::make_unique<Node>(team, open));
    for (const auto& node : nodes) {
      node->submit([&] { return fi_inject(node->ep(), "x", 1, node->insert(nodes[0]->name())); });
    }
    team.tell(0, own_pid());
    team.await_death();
  }
  const pid_t victim = pid_from(team.hear_text(1));
  CHECK(!regions_in_shared_memory().empty());
  REQUIRE(kill(victim, SIGKILL) == 0);
  const Deadline deadline(10);
  while (kill(victim, 0) == 0 && !deadline.expired()) {  // until the hub has reaped it
  }
  { Node next(team); }
  for (const std::string& name : regions_in_shared_memory()) note_failure(FABTESTS_PLACE, "left behind: " + name);
}

// The living are not swept.
TEST(restart_spares_the_living, .ranks = 2) {
  Node node(team);
  node.introduce();
  for (int i = 0; i < 10; ++i) {
    Node other(team);
    const fi_addr_t self = other.insert(other.name());
    other.submit([&] { return fi_inject(other.ep(), "x", 1, self); });
  }
  team.barrier();
  char byte = 0;
  node.submit([&] { return fi_recv(node.ep(), &byte, 1, nullptr, FI_ADDR_UNSPEC, nullptr); });
  node.submit([&] { return fi_inject(node.ep(), "y", 1, node.peer(1 - team.rank())); });
  node.await_receive();
  CHECK_EQ(byte, 'y');
  team.barrier();
}

}  // namespace anchor::fabtests
