// SPDX-License-Identifier: BSD-2-Clause
// A server with a hundred connected peers, which live in the other ranks: idle, it costs no processor, and each of them
// wakes it.
#include <map>
#include <memory>

#include "common/registry.h"
#include "sleeper.h"

namespace anchor::fabtests {

namespace {

constexpr int kPeers = 100;

// What counts is how often it wakes: what each look takes depends on how cold the caches are (1 to 4 ms were seen).
void sleep_for_nothing(Sleeper& sleeper) {
  constexpr double kSeconds = 3, kMostOfProcessor = 0.01;
  constexpr long kMostSleeps = 10;  // two or three looks at whether peers live, and what the machine adds
  const double before = processor_seconds();
  const long slept = sleeps();
  const Deadline idle(kSeconds / time_scale());
  while (!idle.expired()) {
    if (sleeper.try_wait() == 0) sleeper.readable(static_cast<int>(1 + 1000 * (kSeconds - idle.elapsed())));
    sleeper.read_all();
  }
  CHECK(sleeps() - slept <= kMostSleeps);
  CHECK(processor_seconds() - before < kMostOfProcessor * kSeconds);
}

// Each peer in turn, in no order, speaks up while the server sleeps.
void wake_by_each(Team& team, Sleeper& sleeper) {
  std::vector<std::uint64_t> peers(kPeers);
  for (std::uint64_t& peer : peers) peer = static_cast<std::uint64_t>(&peer - peers.data());
  Random random = team.random();
  for (std::size_t i = peers.size(); i > 1; --i) std::swap(peers[i - 1], peers[random.below(i)]);
  for (const std::uint64_t peer : peers) {
    sleeper.entries.clear();
    sleeper.fall_asleep();
    REQUIRE(sleeper.entries.empty());
    team.tell(1 + static_cast<int>(peer) % (team.size() - 1), std::to_string(peer));
    while (sleeper.entries.empty()) {
      REQUIRE(sleeper.readable(static_cast<int>(15'000 * time_scale())));
      sleeper.fall_asleep();
    }
    REQUIRE_EQ(*static_cast<std::uint64_t*>(sleeper.entries[0].op_context), peer);
  }
}

void serve_hundred(Team& team) {
  const OpenDomain open = OpenDomain::usual();
  Sleeper sleeper(open);
  team.gather(name_of(sleeper.ep.get()));
  std::vector<std::uint64_t> numbers(2 * kPeers);  // each speaks twice
  for (std::uint64_t& number : numbers) sleeper.receive(&number, sizeof(number));
  sleeper.await(kPeers);
  sleeper.fall_asleep();
  sleep_for_nothing(sleeper);
  wake_by_each(team, sleeper);
  team.barrier();
}

// Peers number rank - 1 and every so many from there on.
void be_peers(Team& team) {
  const OpenDomain open = OpenDomain::usual();
  const Bytes server = team.gather({})[0];
  std::map<std::uint64_t, std::pair<std::unique_ptr<Sleeper>, fi_addr_t>> peers;
  for (int number = team.rank() - 1; number < kPeers; number += team.size() - 1) {
    auto peer = std::make_unique<Sleeper>(open);
    const fi_addr_t address = insert_address(peer->av.get(), server);
    const auto name = static_cast<std::uint64_t>(number);
    REQUIRE_OK(fi_tsend(peer->ep.get(), &name, sizeof(name), nullptr, address, 1, nullptr));
    peer->await(1);
    peers.emplace(name, std::make_pair(std::move(peer), address));
  }
  for (std::size_t i = 0; i < peers.size(); ++i) {
    const std::uint64_t name = std::stoull(team.hear_text(0));
    REQUIRE_OK(fi_tinject(peers.at(name).first->ep.get(), &name, sizeof(name), peers.at(name).second, 1));
  }
  team.barrier();
}

}  // namespace

// The server sleeps but for a look now and then at whether its peers live; with the alarm for that far away, each of
// its peers must wake it.
TEST(idle_server_of_a_hundred_peers, .ranks = 5, .seconds = 60, .anchor_only = true, .shm_only = true) {
  team.rank() == 0 ? serve_hundred(team) : be_peers(team);
}
TEST_AGAIN(idle_server_is_woken_by_each_peer, idle_server_of_a_hundred_peers, .ranks = 5, .seconds = 60,
           .anchor_only = true, .shm_only = true, .environment = {"FI_ANCHOR_LIVENESS_INTERVAL=60000"});

}  // namespace anchor::fabtests
