// SPDX-License-Identifier: BSD-2-Clause
// Each part of the discipline is needed: without it a reader sooner or later finds a number without what it announces.
#include <criterion/criterion.h>

#include "dma/simulated_cache.h"
#include "simulated_pair.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr std::size_t kNumber = 0, kBytes = 4096, kLength = 500;
constexpr int kRounds = 2000;

struct Discipline {
  bool writes_back = true;
  bool fences = true;
  bool invalidates = true;
};

// Whether every reader that found the number found the bytes as well. Each round uses its own part of the memory.
bool holds(const SimulatedPair& pair, const Discipline& kept) {
  bool all = true;
  for (int round = 1; round <= kRounds; ++round) {
    std::byte* bytes = pair.at(0, kBytes);
    std::memset(bytes, round, kLength);
    SimulatedCache::stored(bytes, kLength);
    if (kept.writes_back) SimulatedCache::write_back(bytes, kLength);
    if (kept.fences) SimulatedCache::fence();
    pair.word(0, kNumber).store(static_cast<std::uint64_t>(round));
    SimulatedCache::stored(pair.at(0, kNumber), 8);
    SimulatedCache::write_back(pair.at(0, kNumber), 8);
    if (kept.fences) SimulatedCache::fence();

    SimulatedCache::invalidate(pair.at(1, kNumber), 8);
    if (pair.word(1, kNumber).load() != static_cast<std::uint64_t>(round)) continue;
    if (kept.invalidates) SimulatedCache::invalidate(pair.at(1, kBytes), kLength);
    for (std::size_t i = 0; i < kLength; ++i) all &= pair.at(1, kBytes)[i] == static_cast<std::byte>(round);
  }
  return all;
}

}  // namespace

Test(simulated_cache, who_does_it_all_loses_nothing) {
  SimulatedPair pair;
  cr_assert(holds(pair, {}));
}

Test(simulated_cache, bytes_that_are_not_written_back_do_not_come) {
  SimulatedPair pair;
  cr_assert_not(holds(pair, {.writes_back = false}));
}

Test(simulated_cache, bytes_that_are_not_fenced_come_too_late) {
  SimulatedPair pair;
  cr_assert_not(holds(pair, {.fences = false}));
}

Test(simulated_cache, bytes_whose_lines_are_not_dropped_are_old) {
  SimulatedPair pair;
  cr_assert_not(holds(pair, {.invalidates = false}));
}

// Nobody may rely on a store that was not written back to stay here.
Test(simulated_cache, lines_are_written_before_anybody_asks_for_it) {
  SimulatedPair pair;
  int early = 0;
  for (std::uint64_t round = 1; round <= 1000; ++round) {
    pair.word(0, kNumber).store(round);
    SimulatedCache::stored(pair.at(0, kNumber), 8);
    early += pair.in_memory(kNumber) == round;
  }
  cr_assert(early > 0 && early < 1000, "%d", early);
}
