// SPDX-License-Identifier: BSD-2-Clause
// Message lengths on both sides of every threshold: the slot, the payload area, the largest eager message, several
// chunks, several reads of the sender's memory.
#pragma once

#include <cstddef>
#include <iterator>

#include "common/random.h"

namespace anchor::stress {

inline constexpr std::size_t kLengths[] = {0, 1, 8, 39, 40, 41, 64, 65, 1000, 4096, 12223, 12224, 12225, 20000, 70001};
inline constexpr std::size_t kLongest = 300'000;

inline std::size_t any_length(fabtests::Random& random) noexcept {
  return random.one_in(64) ? kLongest : kLengths[random.below(std::size(kLengths))];
}

}  // namespace anchor::stress
