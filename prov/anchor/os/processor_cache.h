// SPDX-License-Identifier: BSD-2-Clause
// Cache lines on their way between a processor and memory that nobody keeps coherent: another host's, or a device's.
//
// What this processor has stored is in memory once its lines were written back and fence() has passed. What it loads is
// what memory holds if the lines were invalidated after that was put there; one that was stored to is written back
// first, so nothing is lost. The instructions are chosen when first needed: clwb, which leaves the line here, else
// clflushopt, else clflush, which every processor of x86-64 has. Thread-safe, stateless.
#pragma once

#include <cstddef>

namespace anchor {

struct ProcessorCache {
  // Whether there are such instructions for programs on this kind of processor.
  static bool available() noexcept;

  // Has the lines of these bytes written to memory, in any order, by the next fence().
  static void write_back(const void* from, std::size_t bytes) noexcept;
  // Stores and write-backs before it come before those after it; write-combined stores as well.
  static void fence() noexcept;
  // Loads after it find these bytes as memory has them.
  static void invalidate(const void* from, std::size_t bytes) noexcept;
  // Keeps loads of write-combined memory, which are not cached, in their order.
  static void order_loads() noexcept;

  // What a simulation is told and hardware knows: these bytes were stored.
  static void stored(const void* /*to*/, std::size_t /*bytes*/) noexcept {}
};

}  // namespace anchor
