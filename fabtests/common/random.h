// SPDX-License-Identifier: BSD-2-Clause
// Reproducible random numbers: the same seed gives the same test on every machine and with every standard library.
//
// Not thread-safe; give each thread its own, made with a different stream number.
#pragma once

#include <cstddef>
#include <cstdint>

namespace anchor::fabtests {

class Random {
 public:
  // Different streams of one seed are independent of each other.
  explicit Random(std::uint64_t seed, std::uint64_t stream = 0) noexcept
      : state_(seed + (stream + 1) * 0xD1B54A32D192ED03ull) {}

  // The splitmix64 generator (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
  std::uint64_t next() noexcept {
    state_ += 0x9E3779B97F4A7C15ull;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }

  // 0 .. bound-1. Requires bound > 0. The bias is below 2^-32 for the bounds used here.
  std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }
  std::uint64_t between(std::uint64_t low, std::uint64_t high) noexcept { return low + below(high - low + 1); }
  bool one_in(std::uint64_t chances) noexcept { return below(chances) == 0; }

 private:
  std::uint64_t state_;
};

}  // namespace anchor::fabtests
