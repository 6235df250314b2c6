// SPDX-License-Identifier: BSD-2-Clause
// What is sent after a write comes after it, and what is read after it finds it, whichever way each of them goes: rank
// 0 writes to a word of rank 1 by either of two keys, tells it, and reads; rank 1 looks, and gives leave to go on.
#pragma once

#include <rdma/fi_rma.h>
#include <rdma/fi_tagged.h>

#include <cstdint>

#include "common/node.h"
#include "common/random.h"

namespace anchor::fabtests {

inline constexpr std::uint64_t kHandOverWord = 64;  // where it lies, by keys 1 and 2

// Rank 0's part. more(round): submits further writes; how many.
template <class More>
void hand_over(Team& team, Node& node, std::uint64_t rounds, More&& more) {
  Random random = team.random();
  for (std::uint64_t i = 1; i <= rounds; ++i) {
    const std::uint64_t keys[] = {1 + random.below(2), 1 + random.below(2), 1 + random.below(2)};
    std::uint64_t before = ~i, now = i, found = 0;
    const auto write = [&](std::uint64_t* word, std::uint64_t key) {
      node.submit([&] { return fi_write(node.ep(), word, 8, nullptr, node.peer(1), kHandOverWord, key, nullptr); });
    };
    write(&before, keys[0]);
    write(&now, keys[1]);
    int ends = 3 + more(i);
    node.submit([&] { return fi_tinject(node.ep(), &now, 8, node.peer(1), 1); });
    node.submit([&] { return fi_read(node.ep(), &found, 8, nullptr, node.peer(1), kHandOverWord, keys[2], nullptr); });
    while (ends-- > 0) node.await_send();
    REQUIRE_EQ(found, i);
    char go;
    node.submit([&] { return fi_trecv(node.ep(), &go, 1, nullptr, FI_ADDR_UNSPEC, 2, 0, nullptr); });
    node.await_receive();
  }
}

// Rank 1's part. look(round): at what was written.
template <class Look>
void take_over(Node& node, std::uint64_t rounds, Look&& look) {
  for (std::uint64_t i = 1; i <= rounds; ++i) {
    std::uint64_t told = 0;
    node.submit([&] { return fi_trecv(node.ep(), &told, 8, nullptr, FI_ADDR_UNSPEC, 1, 0, nullptr); });
    node.await_receive();
    REQUIRE_EQ(told, i);
    look(i);
    node.submit([&] { return fi_tinject(node.ep(), "g", 1, node.peer(0), 2); });
  }
}

}  // namespace anchor::fabtests
