// SPDX-License-Identifier: BSD-2-Clause
// Two nodes, and a megabyte of b's memory for a to read and write, by key 1.
#pragma once

#include <algorithm>

#include "node.h"

namespace anchor::unit {

inline constexpr std::size_t kExposed = 1u << 20;

struct ExposedPair : Couple {
  explicit ExposedPair(const EndpointSettings& settings = quick()) : Couple(settings) {
    b.expose(region, 1, memory.data(), memory.size());
    b.passes(3);
    a.passes(3);
  }
  ~ExposedPair() { b.memory.remove(&region); }

  // All of `bytes`.
  int write(const std::vector<unsigned char>& bytes, std::size_t position = 0, std::uint32_t flags = kWantCompletion) {
    return a.access(WorkType::kWrite, to_b, {position, bytes.size(), 1}, const_cast<unsigned char*>(bytes.data()),
                    flags);
  }
  int read(std::vector<unsigned char>& bytes, std::size_t position = 0) {
    return a.access(WorkType::kRead, to_b, {position, bytes.size(), 1}, bytes.data());
  }
  bool holds(const std::vector<unsigned char>& bytes, std::size_t position = 0) const {
    return std::equal(bytes.begin(), bytes.end(), memory.begin() + static_cast<std::ptrdiff_t>(position));
  }
  // Completions up to now, all with this error.
  unsigned completed(int error = 0) {
    unsigned count = 0;
    for (Event event; a.next(&event); ++count) cr_assert_eq(event.error, error);
    return count;
  }
  std::size_t outstanding() { return a.exchange.remotes.in_use(); }

  std::vector<unsigned char> memory = std::vector<unsigned char>(kExposed, '.');
  MemoryRegion region;
};

}  // namespace anchor::unit
