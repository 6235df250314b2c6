// SPDX-License-Identifier: BSD-2-Clause
// Whether two nodes are connected, and whether that is good for anything.
#pragma once

#include <string>

#include "node.h"

namespace anchor::unit {

inline bool connected(Node& a, Node& b) {
  const auto knows = [](Node& node, Node& other) {
    return node.exchange.peers.with_name(other.exchange.name).state == PeerState::kConnected;
  };
  return knows(a, b) && knows(b, a);
}

// Each sends the other a message and gets it.
inline void cr_assert_talk(Node& a, const std::string& name_of_a, Node& b, const std::string& name_of_b) {
  unsigned char in_a = 0, in_b = 0;
  cr_assert_eq(a.receive(&in_a, 1), 0);
  cr_assert_eq(b.receive(&in_b, 1), 0);
  cr_assert_eq(a.send(a.insert(name_of_b), "1", 1, 0, 0), 0);
  cr_assert_eq(b.send(b.insert(name_of_a), "2", 1, 0, 0), 0);
  cr_assert_eq(await(a, b).error, 0);
  cr_assert_eq(await(b, a).error, 0);
  cr_assert(in_a == '2' && in_b == '1');
}

}  // namespace anchor::unit
