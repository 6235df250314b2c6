// SPDX-License-Identifier: BSD-2-Clause
// A guest is killed under load and booted again. Rank 0, in the other guest, survives; rank 1 dies with its machine and
// comes back on the new one; rank 2, beside rank 0, goes on through all of it.
#include "common/registry.h"
#include "functional/victims.h"
#include "host_wish.h"
#include "stress/survivor.h"

namespace anchor::fabtests {

namespace {

// Of the one that is killed, and of the one that comes back.
constexpr const char* kOldService = "8000";
constexpr const char* kNewService = "8001";
constexpr int kTransfers = 300;
// Limits by FABTESTS_TIME_SCALE's measure, as the window's timeout is (in.sh): that, and as much for the emulation.
constexpr double kTimeout = 1;
constexpr double kMargin = 1;

void exchange(Node& node, fi_addr_t with, std::uint64_t own, std::uint64_t theirs) {
  std::uint64_t in = 0;
  node.submit([&] { return fi_trecv(node.ep(), &in, 8, nullptr, FI_ADDR_UNSPEC, 1, 0, nullptr); });
  node.submit([&] { return fi_tsend(node.ep(), &own, 8, nullptr, with, 1, nullptr); });
  node.await_receive();
  node.await_send();
  CHECK_EQ(in, theirs);
}

void live_until_killed(Team& team) {
  const Bytes survivor = team.hear(0);
  be_victim(team, {kThisHost, kOldService, survivor, 0, true, true});
}

void come_back(Team& team) {
  team.tell(0, "back");
  Node renewed(team, stress_options(kThisHost, kNewService));
  const Bytes survivor = team.hear(0);
  exchange(renewed, renewed.insert(survivor), 1, 2);
  team.hear(0);
  // Nobody has the old name any more, so it is free to be taken, and means the new endpoint from then on.
  Node again(team, stress_options(kThisHost, kOldService));
  team.tell(0, "again");
  exchange(again, again.insert(survivor), 3, 4);
  team.hear(0);
}

void expect_error(Node& node, fi_addr_t address) {
  const ssize_t rc = fi_tsend(node.ep(), "x", 1, nullptr, address, 7, nullptr);
  if (rc == 0) CHECK(means_peer_lost(node.await_send_error().error));
}

void survive(Team& team, fi_addr_t old_address, Node& node, fi_addr_t bystander) {
  Survivor survivor(team, node, bystander);
  survivor.meet(0, old_address);
  survivor.talk(kTransfers);
  survivor.bid_farewell();
  ask_host("kill 1");
  const Deadline clock(1000);
  const std::uint64_t echoes = survivor.echoes();
  survivor.await_ends(kTimeout + kMargin);
  std::printf("%d transfers; %d ended in error %.1f s after the kill; %llu echoes of a local peer meanwhile\n",
              survivor.deliveries(), survivor.errors(), clock.elapsed(),
              static_cast<unsigned long long>(survivor.echoes() - echoes));
  CHECK(survivor.errors() > 0);
  CHECK(survivor.echoes() > echoes + 10);
  survivor.settle();
}

}  // namespace

TEST(guest_killed_and_rebooted, .ranks = 3, .seconds = 40, .mortal = 1u << 1, .restarts = 1, .anchor_only = true,
     .environment = {"FI_ANCHOR_CONNECT_TIMEOUT=10000"}) {
  if (team.rank() == 1) return team.generation() == 0 ? live_until_killed(team) : come_back(team);
  Node node(team, stress_options({}, {}));
  if (team.rank() == 2) {
    team.tell(0, node.name());
    stand_by(node, node.insert(team.hear(0)));
    return;
  }
  const fi_addr_t bystander = node.insert(team.hear(2));
  team.tell(2, node.name());
  team.tell(1, node.name());
  const fi_addr_t old_address = node.insert(address_of(kThisHost, kOldService));
  survive(team, old_address, node, bystander);

  ask_host("boot 1");
  CHECK_EQ(team.hear_text(1), "back");
  team.tell(1, node.name());
  exchange(node, node.insert(address_of(kThisHost, kNewService)), 2, 1);
  expect_error(node, old_address);
  team.tell(1, "the old name");
  CHECK_EQ(team.hear_text(1), "again");
  exchange(node, old_address, 4, 3);
  dismiss_bystander(node, bystander);
  team.tell(1, "end");
}

}  // namespace anchor::fabtests
