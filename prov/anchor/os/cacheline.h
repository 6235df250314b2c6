// SPDX-License-Identifier: BSD-2-Clause
// Sizes of the memory system that the shared layouts are built on.
//
// Literal on purpose: std::hardware_destructive_interference_size may differ between two compilers, and these
// numbers are part of what two processes agree on.
#pragma once

#include <cstddef>
#include <cstdint>

namespace anchor {

inline constexpr std::size_t kCacheLine = 64;
// Two lines: x86 prefetches lines in pairs, so lines of different writers are kept this far apart.
inline constexpr std::size_t kWriterSpacing = 128;
inline constexpr std::size_t kPageSize = 4096;

// Hints that a line will be read soon. Not by the builtin where there is another way: GCC drops it in a function that
// does nothing else.
inline void prefetch_to_read(const void* line) noexcept {
#if defined(__x86_64__)
  asm volatile("prefetcht0 %0" : : "m"(*static_cast<const char*>(line)));
#else
  __builtin_prefetch(line);
#endif
}

// Hints that a line will be written soon.
inline void prefetch_to_write(const void* line) noexcept {
#if defined(__x86_64__)
  asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(line)));  // the builtin is a read without -mprfchw
#else
  __builtin_prefetch(line, 1);
#endif
}

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t alignment) noexcept {
  return (value + alignment - 1) / alignment * alignment;
}

constexpr bool is_power_of_two(std::uint64_t value) noexcept { return value != 0 && (value & (value - 1)) == 0; }

}  // namespace anchor
