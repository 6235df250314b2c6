// SPDX-License-Identifier: BSD-2-Clause
// One of the many peers that are killed: opened under a name given, busy until its end.
#pragma once

#include <string>

#include "common/node.h"

namespace anchor::fabtests {

// What victims send (tag, and the first eight bytes, tell the round) and what is sent to them.
inline constexpr std::uint64_t kFromVictim = 1ull << 32;
inline constexpr std::uint64_t kToVictim = 2ull << 32;
inline constexpr std::size_t kLargestMessage = 400000;
// Memory of either that the other one reads, writes and changes by atomic operations.
inline constexpr std::uint64_t kVictimKey = 5;
inline constexpr std::uint64_t kSurvivorKey = 6;

inline NodeOptions stress_options(const std::string& host, const std::string& service) {
  NodeOptions options;
  options.caps = FI_MSG | FI_TAGGED | FI_DIRECTED_RECV | FI_SOURCE | FI_RMA | FI_ATOMIC;
  options.host = host;
  options.service = service;
  return options;
}

inline std::size_t stress_size(Random& random) {
  return random.one_in(4) ? random.between(8, kLargestMessage) : random.between(8, 5000);
}

// An operation on the memory with that key, into or out of `buffer`: of any kind and size. Whatever the call returns.
ssize_t reach(const Node& node, Random& random, Bytes& buffer, fi_addr_t peer, std::uint64_t key, void* context);

struct VictimTask {
  std::string host;
  std::string service;
  Bytes survivor;
  std::uint64_t round = 0;
  bool sends = true;
  bool receives = true;
};

// Sends, receives and reaches for the survivor's memory as fast as it goes, for ever.
[[noreturn]] void be_victim(Team& team, const VictimTask& task);

}  // namespace anchor::fabtests
