// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <memory>
#include <thread>

#include "dma/shm_region.h"
#include "node.h"
#include "proto/upkeep.h"

using namespace anchor;
using namespace anchor::unit;

Test(upkeep, finds_every_dead_peer) {
  Place place;
  Node hub(place.device, "hub");
  std::vector<std::unique_ptr<Node>> nodes;
  for (unsigned i = 0; i < 20; ++i) {
    nodes.push_back(std::make_unique<Node>(place.device, std::to_string(i)));
    seek_peer(nodes[i]->exchange, nodes[i]->peer("hub"));
    cr_assert(until([&] { return nodes[i]->peer("hub").state == PeerState::kConnected; }, hub, *nodes[i]));
  }
  for (unsigned i = 0; i < 20; i += 2) nodes[i].reset();
  const auto peers = [&] {
    unsigned count = 0;
    for (std::size_t i = 0; i < hub.exchange.peers.size(); ++i) count += hub.exchange.peers.numbered(i) != nullptr;
    return count;
  };
  cr_assert(until([&] { return peers() == 10; }, hub));
  hub.passes(1000);
  cr_assert_eq(peers(), 10u, "the living stay");
}

Test(upkeep, who_cannot_be_written_to_any_more_tells_the_application) {
  EndpointSettings settings = quick();
  settings.directed_receive = true;
  Couple couple(settings);
  char byte;
  cr_assert_eq(couple.a.receive(&byte, 1, 0, 0, couple.to_b), 0);
  const std::string file = region_path(couple.place.scratch.path(), named("a"));
  cr_assert_eq(::truncate(file.c_str(), 0), 0);
  cr_assert_eq(await(couple.a).error, EIO);
}

namespace {

// Several at once, as by an application that reads until nothing is left.
void pass_seldom(Node& node, unsigned count, unsigned at_once = 3) {
  while (count-- > 0) {
    std::this_thread::sleep_for(20 * kSeldom);
    node.passes(at_once);
  }
}

}  // namespace

Test(upkeep, who_makes_few_passes_finds_the_dead_by_time) {
  Couple couple;
  pass_seldom(couple.a, kPassesPerUpkeep + 1);
  couple.b.crash();
  pass_seldom(couple.a, 3);
  cr_assert_eq(couple.at_a().state, PeerState::kIdle);
}

Test(upkeep, who_makes_few_passes_hears_strangers_in_each) {
  Place place;
  Node hub(place.device, "hub"), stranger(place.device, "stranger");
  hub.passes(kPassesPerUpkeep);
  pass_seldom(hub, kPassesPerUpkeep + 1);
  seek_peer(stranger.exchange, stranger.peer("hub"));
  pass_seldom(hub, 2);
  cr_assert_eq(hub.peer("stranger").state, PeerState::kConnected);
}

Test(upkeep, is_rare_where_passes_are_many) {
  Place place;
  Node a(place.device, "a");
  pass_seldom(a, 2, 1);
  cr_assert_eq(a.exchange.upkeep_interval, 1u);
  cr_assert(until([&] { return a.exchange.upkeep_interval == kPassesPerUpkeep; }, a));
}

Test(upkeep, sought_peers_are_tried_again_when_it_is_time) {
  Place place;
  Node a(place.device, "a");
  seek_peer(a.exchange, a.peer("b"));
  Node b(place.device, "b");
  a.peer("b").next_attempt = Clock::now() + Milliseconds{1'000'000};
  upkeep(a.exchange);
  cr_assert_eq(a.peer("b").state, PeerState::kSeeking);
  a.peer("b").next_attempt = Clock::now();
  upkeep(a.exchange);
  cr_assert_eq(a.peer("b").state, PeerState::kAsked);
}
