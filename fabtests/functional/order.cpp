// SPDX-License-Identifier: BSD-2-Clause
// Message order (FI_ORDER_SAS) while everybody talks to everybody, small and large mixed.
#include "common/registry.h"
#include "crowd.h"

namespace anchor::fabtests {

namespace {

void talk(Team& team, const CrowdPlan& plan) {
  Node node(team);
  node.introduce();
  Crowd(team, node, plan).run(18);
  team.barrier();
}

}  // namespace

TEST(order_of_two, .ranks = 2) { talk(team, {.messages = 1000, .to_self = false}); }
TEST_AGAIN(order_of_two_by_copying, order_of_two, .ranks = 2, .environment = {"FI_ANCHOR_CMA=0"});

TEST(order_of_two_untagged, .ranks = 2) { talk(team, {.messages = 1000, .to_self = false, .tagged = false}); }

TEST(order_of_four, .ranks = 4) { talk(team, {}); }
TEST_AGAIN(order_of_four_by_copying, order_of_four, .ranks = 4, .environment = {"FI_ANCHOR_CMA=0"});

TEST(order_of_eight, .ranks = 8, .seconds = 30) { talk(team, {.messages = 60, .largest = 200000}); }

TEST(order_of_large_only, .ranks = 3) {
  talk(team, {.messages = 12, .largest = 2000000, .one_large_in = 1, .in_flight = 8});
}

TEST(order_of_tiny_only, .ranks = 4) { talk(team, {.messages = 3000, .largest = 8, .one_large_in = 1}); }

// One receive posted at a time: nearly all messages are unexpected.
TEST(order_of_unexpected, .ranks = 3) { talk(team, {.messages = 150, .in_flight = 1}); }

}  // namespace anchor::fabtests
