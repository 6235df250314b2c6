// SPDX-License-Identifier: BSD-2-Clause
// Whether an announced message is better streamed through the payload area, or copied from memory to memory by system
// calls: the receiver's or, if it is long, those of both ends. Which of the two is faster, and by how much, depends on
// where the two processors are; nobody tells us. So the receiver measures both, by length, and now and then tries the
// one that it does not prefer.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "os/clock.h"

namespace anchor {

class TransferChoice {
 public:
  // Whether the next message of that length should go directly.
  bool goes_directly(std::uint64_t bytes) const noexcept {
    const LengthClass& lengths = classes_[class_of(bytes)];
    const bool direct = lengths.cost[1] <= lengths.cost[0];  // what is not known is 0: it is tried
    return lengths.turn % lengths.turns_per_trial() < kTrials ? !direct : direct;
  }
  // It begins. True: it is to be timed, and took() told.
  bool take_turn(std::uint64_t bytes) noexcept {
    LengthClass& lengths = classes_[class_of(bytes)];
    const std::uint32_t turn = lengths.turn++;
    return turn < kFirstTurns || turn % lengths.turns_per_trial() < 2 * kTrials || turn % kTurnsPerSample == 0;
  }

  // It took so long, and nothing went the other way meanwhile.
  void took(bool direct, std::uint64_t bytes, Clock::duration duration) noexcept {
    const auto ticks = static_cast<std::uint64_t>(std::max<Clock::rep>(duration.count(), 1));
    const auto sample = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(ticks * 1024 / bytes, 1, kMost));
    std::uint32_t& cost = classes_[class_of(bytes)].cost[direct ? 1 : 0];
    if (cost == 0) {
      cost = sample;
    } else if (sample < cost) {
      cost = (cost + sample) / 2;
    } else {  // it may have been interrupted: several have to say so
      cost = (3 * cost + std::min(sample, cost + cost / 2 + 1)) / 4 + (sample > cost ? 1 : 0);
    }
  }

 private:
  static constexpr std::uint32_t kTrials = 2;
  static constexpr std::uint32_t kFirstTurns = 32;
  // Of the copies that are no trials: a look at the clock takes as long as 1 to 2% of a copy of 16 KiB.
  static constexpr std::uint32_t kTurnsPerSample = 8;
  static constexpr std::uint64_t kMost = 1u << 28;  // so that sums of a few fit

  struct LengthClass {
    std::uint32_t cost[2] = {};  // of a KiB, streamed and direct, in the clock's ticks: running averages; 0: not known
    std::uint32_t turn = 0;

    // Seldom where little can change; often until it has been seen how long either takes when nothing disturbs it.
    std::uint32_t turns_per_trial() const noexcept {
      const auto [less, more] = std::minmax(cost[0], cost[1]);
      return turn < kFirstTurns ? 8 : more < 2 * less ? 128 : 512;
    }
  };
  // Where the next class begins.
  static constexpr std::array<std::uint64_t, 6> kLimits{12u << 10, 64u << 10, 128u << 10, 256u << 10, 1u << 20, 4u << 20};
  static std::size_t class_of(std::uint64_t bytes) noexcept {
    return static_cast<std::size_t>(std::upper_bound(kLimits.begin(), kLimits.end(), bytes) - kLimits.begin());
  }

  std::array<LengthClass, kLimits.size() + 1> classes_{};
};

}  // namespace anchor
