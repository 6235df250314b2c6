// SPDX-License-Identifier: BSD-2-Clause
#include "fight.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <memory>

namespace anchor::stress {
namespace {

constexpr double kStandstill = 20;

}  // namespace

std::string name_of(const char* role, unsigned number) {
  return "anchor://hostile-" + std::to_string(getppid()) + "-" + role + std::to_string(number);
}

EndpointSettings fight_settings() {
  EndpointSettings chosen;
  chosen.locked = false;
  chosen.directed_receive = true;
  chosen.unexpected_limit = 1u << 20;
  chosen.connect_timeout = Milliseconds(200);
  chosen.liveness_interval = Milliseconds(5);
  return chosen;
}

void wait_for_beats(const Arena& arena, std::uint64_t count) {
  const Deadline deadline(1);
  const std::uint64_t before = arena.victim_beats;
  while (arena.victim_beats < before + count && !deadline.expired()) sched_yield();
}

bool misbehave(Rogue& rogue, Arena& arena, fabtests::Random& random, void (Corruption::*deed)()) {
  if (rogue.open() != 0) return false;
  const Deadline search(0.5);  // another host is told of it with the next heartbeat
  while (rogue.find(name_of("victim")) != 0)
    if (search.expired()) return false;
  if (rogue.ask() != 0) return false;
  const Deadline deadline(0.5);
  while (!rogue.connected() && !deadline.expired()) sched_yield();
  if (!rogue.connected()) return false;
  Corruption corruption(rogue, random);
  for (unsigned i = 0; i < kDeedsEach; ++i) {
    (corruption.*deed)();
    ++arena.deeds;
    if (random.one_in(4)) wait_for_beats(arena, 1);
  }
  return true;
}

void expect_more_trips(const Arena& arena) {
  const std::uint64_t trips = arena.trips;
  const Deadline patience(20);
  while (arena.trips < trips + 5 && !patience.expired()) sched_yield();
  expect(arena.trips >= trips + 5, "honest traffic goes on to the end");
}

void watch(Arena& arena, std::vector<pid_t> children) {
  std::uint64_t victim = 0, honest = 0;
  auto standstill = std::make_unique<Deadline>(kStandstill);
  for (std::size_t left = children.size(); left != 0;) {
    for (pid_t& child : children) {
      int status;
      if (child == 0 || waitpid(child, &status, WNOHANG) != child) continue;
      expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a process ends well", status);
      arena.over = true;
      child = 0;
      --left;
    }
    if (arena.victim_beats != victim && arena.honest_beats != honest) {
      victim = arena.victim_beats;
      honest = arena.honest_beats;
      standstill = std::make_unique<Deadline>(kStandstill);
    } else if (!expect(!standstill->expired(), "nobody stands still")) {
      for (const pid_t child : children)
        if (child != 0) kill(child, SIGKILL);
    }
    usleep(2000);
  }
}

Arena& new_arena() {
  return *new (mmap(nullptr, sizeof(Arena), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Arena;
}

}  // namespace anchor::stress
