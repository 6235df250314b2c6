// SPDX-License-Identifier: BSD-2-Clause
// Whether an announced message is better streamed through the payload area, or copied from memory to memory by system
// calls: the receiver's or, if it is long, those of both ends. The receiver measures, by length.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "proto/way_choice.h"

namespace anchor {

class TransferChoice {
 public:
  // As WayChoice, for messages of that length.
  bool goes_directly(std::uint64_t bytes) const noexcept { return classes_[class_of(bytes)].goes_directly(); }
  bool take_turn(std::uint64_t bytes) noexcept { return classes_[class_of(bytes)].take_turn(); }
  void took(bool direct, std::uint64_t bytes, Clock::duration duration) noexcept {
    classes_[class_of(bytes)].took(direct, bytes, duration);
  }

 private:
  // Where the next class begins.
  static constexpr std::array<std::uint64_t, 5> kLimits{64u << 10, 128u << 10, 256u << 10, 1u << 20, 4u << 20};
  static std::size_t class_of(std::uint64_t bytes) noexcept {
    return static_cast<std::size_t>(std::upper_bound(kLimits.begin(), kLimits.end(), bytes) - kLimits.begin());
  }

  // What is moved together with others (rendezvous_pull.h) has to be tried by several.
  std::array<WayChoice, kLimits.size() + 1> classes_{WayChoice(4), WayChoice(4), WayChoice(4)};
};

}  // namespace anchor
