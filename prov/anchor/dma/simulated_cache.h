// SPDX-License-Identifier: BSD-2-Clause
// The cache of a processor that does the worst it may, over SimulatedMemory: for tests, in the place of ProcessorCache.
//
// Lines are written back in random order, at the fence and no sooner than it must, or at once, or, though nobody asked
// for it, right after a store to them; lines that were used lately are dropped at random, the changed ones among them
// written. So a message whose bytes were not written back and fenced before it is published comes without them, sooner
// or later, as does one that is looked at without a line being dropped, and a line with two writers loses what one of
// them has stored. Thread-safe, stateless but for what each thread has yet to write back.
#pragma once

#include <cstddef>

namespace anchor {

struct SimulatedCache {
  static void write_back(const void* from, std::size_t bytes) noexcept;
  static void fence() noexcept;
  static void invalidate(const void* from, std::size_t bytes) noexcept;
  static void stored(const void* to, std::size_t bytes) noexcept;
};

}  // namespace anchor
