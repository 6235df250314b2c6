// SPDX-License-Identifier: BSD-2-Clause
// Killing a rank, and what its survivors must see: error completions in bounded time.
#pragma once

#include <signal.h>
#include <unistd.h>

#include <set>
#include <string>

#include "common/node.h"

namespace anchor::fabtests {

// From the kill to the last error completion (scaled by FABTESTS_TIME_SCALE).
inline constexpr double kNoticeSeconds = 1;

inline std::string own_pid() { return std::to_string(getpid()); }

inline pid_t pid_from(const std::string& text) { return static_cast<pid_t>(std::stol(text)); }

// Rank 1 makes no call any more until it is killed; rank 0 gets its number.
inline pid_t meet_silent_victim(Team& team) {
  if (team.rank() == 1) {
    team.tell(0, own_pid());
    team.await_death();
  }
  return pid_from(team.hear_text(1));
}

inline bool means_peer_lost(int error) {
  static const std::set<int> errors = {FI_ECONNRESET,   FI_ECONNABORTED, FI_ENOTCONN, FI_EHOSTUNREACH,
                                       FI_ECONNREFUSED, FI_ETIMEDOUT,    FI_ESHUTDOWN};
  return errors.count(error) == 1;
}

// Expects `sends` and `receives` ends of operations within the time. Returns how many were errors.
inline int collect_ends(Node& node, std::size_t sends, std::size_t receives) {
  const Deadline clock(60);
  int errors = 0;
  const auto take = [&](Completions& queue, const char* what) {
    node.until(
        what, [&] { return !queue.empty(); }, 5);
    const Entry entry = queue.take();
    if (entry.error == 0) return;
    CHECK(means_peer_lost(entry.error));
    ++errors;
  };
  for (; sends > 0; --sends) take(node.sends(), "the end of a send to the dead");
  for (; receives > 0; --receives) take(node.receives(), "the end of a receive from the dead");
  if (clock.elapsed() > kNoticeSeconds * time_scale()) {
    note_failure(FABTESTS_PLACE, "noticed only after " + std::to_string(clock.elapsed()) + " s");
  }
  return errors;
}

inline int kill_and_collect(Node& node, pid_t victim, std::size_t sends, std::size_t receives) {
  REQUIRE(kill(victim, SIGKILL) == 0);
  return collect_ends(node, sends, receives);
}

}  // namespace anchor::fabtests
