// SPDX-License-Identifier: BSD-2-Clause
// Whether a long message is better streamed through the payload area or shared out among both ends, which copy from
// memory to memory by system calls. Between processors that share a cache streaming may be twice as fast, or half as
// fast, as the machine has it; nobody tells us. So the receiver measures both, by length, and now and then tries the
// one that it does not prefer.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "os/clock.h"

namespace anchor {

class TransferChoice {
 public:
  // Whether the next message of that length should be shared.
  bool shares(std::uint64_t bytes) noexcept {
    LengthClass& lengths = of(bytes);
    const bool trial = lengths.turn++ % kTurnsPerTrial < kTrials;
    const bool shared = lengths.cost[1] <= lengths.cost[0];  // what is not known is 0: it is tried
    return trial ? !shared : shared;
  }

  // It took so long.
  void took(bool shared, std::uint64_t bytes, Clock::duration duration) noexcept {
    const auto ticks = static_cast<std::uint64_t>(std::max<Clock::rep>(duration.count(), 1));
    const auto sample = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(ticks * 1024 / bytes, 1, kMost));
    std::uint32_t& cost = of(bytes).cost[shared ? 1 : 0];
    // What took many times as long was interrupted.
    cost = cost == 0 ? sample : (3 * cost + std::min(sample, 4 * cost)) / 4 + (sample > cost ? 1 : 0);
  }

 private:
  static constexpr std::uint32_t kTurnsPerTrial = 128;
  static constexpr std::uint32_t kTrials = 2;
  static constexpr std::uint64_t kMost = 1u << 28;  // so that sums of a few fit

  struct LengthClass {
    std::uint32_t cost[2] = {};  // of a KiB, streamed and shared, in the clock's ticks: running averages; 0: not known
    std::uint32_t turn = 0;
  };
  // Below 256 KiB, 1 MiB, 4 MiB, and above.
  LengthClass& of(std::uint64_t bytes) noexcept {
    return classes_[std::min<std::size_t>(std::bit_width(bytes >> 18) / 2 + ((bytes >> 18) != 0), 3)];
  }

  std::array<LengthClass, 4> classes_{};
};

}  // namespace anchor
