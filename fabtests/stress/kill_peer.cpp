// SPDX-License-Identifier: BSD-2-Clause
// Kills peers at random moments, hundreds of times: senders, receivers, both; under one name or under a new one each
// time.
//
// Rank 0 survives, rank 1 forks the victims, rank 2 goes on. The victims' moments include start and first contact. At
// the end nothing may be left in /dev/shm once the next endpoint has been opened.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/registry.h"
#include "common/shared_memory.h"
#include "survivor.h"

namespace anchor::fabtests {

namespace {

struct Plan {
  int rounds;
  bool victim_sends;
  bool victim_receives;
  bool same_name;
};

std::string service_of(const Plan& plan, int round) { return std::to_string(8000 + (plan.same_name ? 0 : round)); }

// Forks instead of starting anew: the library is loaded and has looked for providers already, so that rounds are short.
void raise_victims(Team& team, const Plan& plan, const std::string& host, const Bytes& survivor) {
  (void)info_or_skip(message_hints().get());
  for (int round = 0; round < plan.rounds; ++round) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      be_victim(team, {host, service_of(plan, round), survivor, static_cast<std::uint64_t>(round), plan.victim_sends,
                       plan.victim_receives});
    }
    team.tell(0, std::to_string(child));
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    team.hear(0);
  }
}

void survive(Team& team, Node& node, const Plan& plan, const std::string& host, fi_addr_t bystander) {
  Survivor survivor(team, node, bystander);
  fi_addr_t address = FI_ADDR_NOTAVAIL;
  for (int round = 0; round < plan.rounds; ++round) {
    if (!plan.same_name || round == 0) address = node.insert(address_of(host, service_of(plan, round)));
    const auto pid = static_cast<pid_t>(std::stol(team.hear_text(1)));
    survivor.round(static_cast<std::uint64_t>(round), address, pid);
    if (!plan.same_name) CHECK_OK(fi_av_remove(node.av(), &address, 1, 0));
    team.tell(1, "next");
  }
  std::printf("%d rounds, %d transfers, %d ended in error\n", plan.rounds, survivor.deliveries(), survivor.errors());
  CHECK(survivor.deliveries() > 0);
  CHECK(survivor.errors() > 0);
}

void run_plan(Team& team, const Plan& plan) {
  const std::string host = kThisHost;
  if (team.rank() == 1) {
    const std::vector<Bytes> names = team.gather({});
    raise_victims(team, plan, host, names[0]);
  } else {
    Node node(team, stress_options({}, {}));
    const std::vector<Bytes> names = team.gather(node.name());
    const fi_addr_t other = node.insert(names[static_cast<std::size_t>(2 - team.rank())]);
    if (team.rank() == 0) {
      survive(team, node, plan, host, other);
      dismiss_bystander(node, other);
    } else {
      stand_by(node, other);
    }
  }
  team.barrier();
  if (team.rank() != 0 || !shared_memory_is_private()) return;
  { Node next(team); }
  for (const std::string& name : regions_in_shared_memory()) note_failure(FABTESTS_PLACE, "left behind: " + name);
}

}  // namespace

TEST(kill_senders, .ranks = 3, .seconds = 90, .anchor_only = true, .environment = {"FI_ANCHOR_CONNECT_TIMEOUT=500"}) {
  run_plan(team, {60, true, false, true});
}

TEST(kill_receivers, .ranks = 3, .seconds = 90, .anchor_only = true, .environment = {"FI_ANCHOR_CONNECT_TIMEOUT=500"}) {
  run_plan(team, {60, false, true, false});
}

TEST(kill_both_ways, .ranks = 3, .seconds = 120, .anchor_only = true,
     .environment = {"FI_ANCHOR_CONNECT_TIMEOUT=500"}) {
  run_plan(team, {80, true, true, true});
}

TEST(kill_both_ways_by_copying, .ranks = 3, .seconds = 90, .anchor_only = true,
     .environment = {"FI_ANCHOR_CONNECT_TIMEOUT=500", "FI_ANCHOR_CMA=0"}) {
  run_plan(team, {40, true, true, false});
}

}  // namespace anchor::fabtests
