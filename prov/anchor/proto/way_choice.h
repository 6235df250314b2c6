// SPDX-License-Identifier: BSD-2-Clause
// Which of two ways is the faster: through the FIFO, or directly from memory to memory by system calls. That depends on
// where the two processors are; nobody tells us. So both are measured, and now and then the one that is not preferred
// is tried.
#pragma once

#include <algorithm>
#include <cstdint>

#include "os/clock.h"

namespace anchor {

class WayChoice {
 public:
  WayChoice() noexcept = default;
  // So many turns in a row go the same way.
  explicit WayChoice(std::uint32_t turns) noexcept : together_(turns) {}

  // Whether the next turn should go directly.
  bool goes_directly() const noexcept {
    const bool direct = cost_[1] <= cost_[0];  // what is not known is 0: it is tried
    return turn() % turns_per_trial() < kTrials ? !direct : direct;
  }
  // It begins. True: it is to be timed, and took() told.
  bool take_turn() noexcept {
    const std::uint32_t begun = turn();
    const bool sample = turn_++ % kTurnsPerSample == 0;
    return sample || begun < kFirstTurns || begun % turns_per_trial() < 2 * kTrials;
  }

  // It took so long, and nothing went the other way meanwhile.
  void took(bool direct, std::uint64_t bytes, Clock::duration duration) noexcept {
    const auto ticks = static_cast<std::uint64_t>(std::max<Clock::rep>(duration.count(), 1));
    const auto sample = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(ticks * 1024 / bytes, 1, kMost));
    std::uint32_t& cost = cost_[direct ? 1 : 0];
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
  // Of the turns that are no trials: a look at the clock takes as long as 1 to 2% of a copy of 16 KiB.
  static constexpr std::uint32_t kTurnsPerSample = 8;
  static constexpr std::uint64_t kMost = 1u << 28;  // so that sums of a few fit

  std::uint32_t turn() const noexcept { return turn_ / together_; }
  // Seldom where little can change; often until it has been seen how long either takes when nothing disturbs it.
  std::uint32_t turns_per_trial() const noexcept {
    const auto [less, more] = std::minmax(cost_[0], cost_[1]);
    return turn() < kFirstTurns ? 8 : more < 2 * less ? 128 : 512;
  }

  std::uint32_t cost_[2] = {};  // of a KiB, by FIFO and direct, in the clock's ticks: running averages; 0: not known
  std::uint32_t turn_ = 0;
  std::uint32_t together_ = 1;
};

}  // namespace anchor
