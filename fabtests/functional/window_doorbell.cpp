// SPDX-License-Identifier: BSD-2-Clause
// Sleepers on a window whose hosts have doorbells: they are woken by them, cost next to nothing meanwhile, and do
// without when nobody serves them any more.
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "common/registry.h"
#include "common/window_hosts.h"
#include "sleeper.h"

namespace anchor::fabtests {

namespace {

using SteadyClock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr int kIdleMilliseconds = 2000;
// Of a process that does nothing but look for its heartbeat, twenty times a second; a keeper that looks for messages
// wakes a thousand times.
constexpr long kMostIdleWakes = 100 * kIdleMilliseconds / 1000;

struct Caller {
  explicit Caller(Team& for_team) : team(for_team), sleeper(open), peer(meet(team, sleeper)) {}

  // Rank 0 sends, rank 1 answers; whoever waits sleeps.
  void exchange() {
    const std::size_t before = sleeper.entries.size();
    char in = 0;
    sleeper.receive(&in, 1);
    if (team.rank() == 0) send();
    sleeper.await(before + 1, 15 * time_scale());
    CHECK_EQ(in, 'x');
    if (team.rank() == 1) send();
  }
  void send() const { REQUIRE_OK(fi_tinject(sleeper.ep.get(), "x", 1, peer, 1)); }

  Team& team;
  OpenDomain open = OpenDomain::usual();
  Sleeper sleeper;
  fi_addr_t peer;
};

double microseconds_of(int rounds, SteadyClock::time_point begun) {
  return 1e6 * Seconds(SteadyClock::now() - begun).count() / (2.0 * rounds);
}

void skip_without_doorbell() {
  if (!with_doorbell()) skip("FABTESTS_WINDOW_DOORBELL is not set");
}

// Of our own host.
pid_t server() {
  pid_t process = 0;
  const char* configuration = std::getenv("FI_ANCHOR_WINDOW");
  REQUIRE(configuration != nullptr);
  std::ifstream(std::string(configuration) + ".server") >> process;
  REQUIRE(process > 0);
  return process;
}

}  // namespace

// Also without doorbells, for comparison.
TEST(doorbell_ping_pong, .ranks = 2, .anchor_only = true, .window_only = true,
     .environment = {"FI_ANCHOR_SPIN=0", "FI_ANCHOR_LIVENESS_INTERVAL=60000"}) {
  constexpr int kRounds = 300;
  Caller caller(team);
  team.barrier();
  const auto begun = SteadyClock::now();
  for (int i = 0; i < kRounds; ++i) caller.exchange();
  if (team.rank() == 0)
    std::printf("%s: %.1f us a message between sleepers\n", with_doorbell() ? "doorbell" : "looking",
                microseconds_of(kRounds, begun));
  team.barrier();
}

// Likewise.
TEST(doorbell_wakes_who_has_slept_long, .ranks = 2, .seconds = 40, .anchor_only = true, .window_only = true,
     .environment = {"FI_ANCHOR_SPIN=0", "FI_ANCHOR_LIVENESS_INTERVAL=60000"}) {
  constexpr int kRounds = 20;
  constexpr int kPause = 50;  // ms
  Caller caller(team);
  team.barrier();
  double spent = 0;
  for (int i = 0; i < kRounds; ++i) {
    if (team.rank() == 0) caller.sleeper.readable(kPause);
    const auto begun = SteadyClock::now();
    caller.exchange();
    spent += Seconds(SteadyClock::now() - begun).count();
  }
  caller.sleeper.fall_asleep();
  const double before = processor_seconds();
  const long slept = sleeps();
  CHECK(!caller.sleeper.readable(kIdleMilliseconds));
  const double share = (processor_seconds() - before) / (1e-3 * kIdleMilliseconds);
  if (team.rank() == 0)
    std::printf("%s: %.1f us a message after %d ms of sleep, which takes %.2f%% of a processor\n",
                with_doorbell() ? "doorbell" : "looking", 1e6 * spent / (2 * kRounds), kPause, 100 * share);
  if (with_doorbell()) CHECK(sleeps() - slept < kMostIdleWakes);
  team.barrier();
}

// The rest goes by the keepers' looks. The servers are of this test's own hosts.
TEST(doorbell_server_is_killed, .ranks = 2, .anchor_only = true, .window_only = true,
     .environment = {"FI_ANCHOR_SPIN=0", "FI_ANCHOR_LIVENESS_INTERVAL=60000"}) {
  constexpr int kRounds = 100;
  skip_without_doorbell();
  Caller caller(team);
  for (int i = 0; i < 3 * kRounds; ++i) {
    if (i == kRounds && team.rank() == 0) REQUIRE(kill(server(), SIGKILL) == 0);
    if (i == 2 * kRounds && team.rank() == 1) REQUIRE(kill(server(), SIGKILL) == 0);
    caller.exchange();
  }
  team.barrier();
}

}  // namespace anchor::fabtests
