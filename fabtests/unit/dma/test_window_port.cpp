// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "dma/simulated_cache.h"
#include "dma/window_port.h"
#include "simulated_pair.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr std::size_t kWord = 0, kBytes = 4096, kLength = 700;

// Bytes of another line, then the word: as a message whose bytes lie in the payload area.
template <class PortType>
void announces_bytes(std::byte* writers, std::byte* readers, void (*put)(void*, const void*, std::size_t) noexcept) {
  auto& word = *reinterpret_cast<std::atomic<std::uint64_t>*>(writers + kWord);
  const auto& seen = *reinterpret_cast<std::atomic<std::uint64_t>*>(readers + kWord);
  std::byte bytes[kLength];
  for (std::uint64_t round = 1; round < 500; ++round) {
    std::memset(bytes, static_cast<int>(round), sizeof bytes);
    put(writers + kBytes, bytes, sizeof bytes);
    PortType::written(writers + kBytes, sizeof bytes);
    PortType::publish(word, round);
    cr_assert_eq(PortType::load(seen), round);
    PortType::refresh(readers + kBytes, sizeof bytes);
    cr_assert_eq(std::memcmp(readers + kBytes, bytes, sizeof bytes), 0);
  }
}

template <class PortType>
void announces_bytes(std::byte* writers, std::byte* readers) {
  announces_bytes<PortType>(writers, readers, &PortType::put);
  announces_bytes<PortType>(writers, readers, &PortType::stream);
}

}  // namespace

Test(window_port, checked) {
  alignas(kCacheLine) static std::byte memory[2 * kPageSize];
  announces_bytes<CheckedPort>(memory, memory);
}

Test(window_port, write_combined) {
  alignas(kCacheLine) static std::byte memory[2 * kPageSize];
  announces_bytes<WriteCombinedPort>(memory, memory);
}

Test(window_port, non_coherent_by_the_processors_instructions) {
  alignas(kCacheLine) static std::byte memory[2 * kPageSize];
  announces_bytes<NonCoherentPort<ProcessorCache>>(memory, memory);
}

Test(window_port, non_coherent_between_caches_that_do_their_worst) {
  SimulatedPair pair;
  announces_bytes<NonCoherentPort<SimulatedCache>>(pair.at(0), pair.at(1));
}

// It would be written back later, over somebody else's.
Test(window_port, a_hint_leaves_nothing_behind) {
  SimulatedPair pair;
  NonCoherentPort<SimulatedCache>::hint(pair.word(0, kWord), 5);
  cr_assert_eq(pair.in_memory(kWord), 5u);
}

Test(window_port, only_caches_hide_the_stores_of_others) {
  cr_assert(WriteCombinedPort::kCoherent);
  cr_assert_not(NonCoherentPort<ProcessorCache>::kCoherent);
}
