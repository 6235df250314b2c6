// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "dma/memory_type.h"
#include "simulated_pair.h"

using namespace anchor;
using namespace anchor::unit;

Test(memory_type, has_names) {
  MemoryType type = MemoryType::kSimulated;
  cr_assert(parse_memory_type("coherent", &type));
  cr_assert_eq(type, MemoryType::kCoherent);
  cr_assert(parse_memory_type("write-combined", &type));
  cr_assert_eq(type, MemoryType::kWriteCombined);
  cr_assert(parse_memory_type("non-coherent", &type));
  cr_assert_eq(type, MemoryType::kNonCoherent);
  cr_assert(parse_memory_type("simulated", &type));
  cr_assert_eq(type, MemoryType::kSimulated);
  cr_assert(parse_memory_type("checked", &type));
  cr_assert_eq(type, MemoryType::kChecked);
  cr_assert(parse_memory_type("simulated", &type));
  cr_assert_not(parse_memory_type("uncached", &type));
  cr_assert_eq(type, MemoryType::kSimulated, "unchanged");
}

Test(memory_type, lines_are_written_whole_where_they_are_cached) {
  cr_assert(writes_whole_lines(MemoryType::kNonCoherent) && writes_whole_lines(MemoryType::kSimulated));
  cr_assert_not(writes_whole_lines(MemoryType::kCoherent) || writes_whole_lines(MemoryType::kWriteCombined));
}

Test(memory_type, shows_what_others_store_where_it_is_coherent) {
  cr_assert(shows_by_itself(MemoryType::kCoherent) && shows_by_itself(MemoryType::kChecked));
  for (const auto type : {MemoryType::kWriteCombined, MemoryType::kNonCoherent, MemoryType::kSimulated})
    cr_assert_not(shows_by_itself(type));
}

Test(memory_type, plain_memory_stays_as_it_is) {
  unsigned char bytes[200];
  for (const auto type :
       {MemoryType::kCoherent, MemoryType::kWriteCombined, MemoryType::kNonCoherent, MemoryType::kSimulated}) {
    std::memset(bytes, static_cast<int>(type) + 1, sizeof bytes);
    push(type, bytes, sizeof bytes);
    refresh(type, bytes, sizeof bytes);
    for (const unsigned char byte : bytes) cr_assert_eq(byte, static_cast<int>(type) + 1);
  }
}

Test(memory_type, what_is_pushed_is_there_after_a_refresh) {
  SimulatedPair pair;
  constexpr std::size_t kBytes = 1000;
  for (int round = 1; round < 100; ++round) {
    std::memset(pair.at(0, 8), round, kBytes);
    push(MemoryType::kSimulated, pair.at(0, 8), kBytes);
    refresh(MemoryType::kSimulated, pair.at(1, 8), kBytes);
    cr_assert_eq(std::memcmp(pair.at(0, 8), pair.at(1, 8), kBytes), 0);
  }
}
