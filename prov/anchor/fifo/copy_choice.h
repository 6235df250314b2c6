// SPDX-License-Identifier: BSD-2-Clause
// Two ways of writing into a payload area: by ordinary stores, through the caches, or by streaming ones, past them.
// Which is the faster depends on where the two processors lie to each other, which nobody tells us and which changes
// when either process moves: between neighbours the caches win for some KiB, between distant ones they lose tenfold
// (FORMAT.md, "Payload area", has the figures). So it is measured: the writer times its writing, the reader its
// reading, and says what it found beside its tail. From time to time a few messages go the other way, to find out.
// Those and one of eight others, or more, are timed, the same on both sides (is_timed).
//
// Nothing but speed depends on any of this, so that the reader's figures need no check.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "os/streaming_copy.h"

namespace anchor {

enum class CopyWay : std::uint8_t { kCached, kStreaming };

// Shorter messages are written through the caches: what is measured would be the rest of the work.
inline constexpr std::uint32_t kMinMeasured = 2048;

// Of the area, what is written through the caches keeps to so many bytes: the lines of a larger part do not stay in the
// nearest caches of both, and come at half the speed (Zen 4). A Xeon that knows demotion has larger caches, and its
// writers more time to fetch the lines of a place before it is needed: streams of 1 KiB at 1.13 times the speed, of 4
// KiB at 1.38. Each end goes by its own processor: where they differ, credits come with a look that finds nothing.
constexpr std::uint32_t cached_window(bool demotes) noexcept { return demotes ? 48u << 10 : 8u << 10; }

// Of the messages of at least kMinMeasured bytes in a FIFO, by how many went `before`: which go the other way, and
// which are timed. Writer and reader count alike, so that each times what the other one does.
inline constexpr std::uint32_t kTurnsPerTrial = 512, kTrials = 4, kTurnsPerSample = 8;
constexpr bool is_trial(std::uint32_t before) noexcept { return before % kTurnsPerTrial < kTrials; }
// As many behind the trials as these are, so that neither way is judged by one message.
constexpr bool is_timed(std::uint32_t before) noexcept {
  return before % kTurnsPerTrial < 2 * kTrials || before % kTurnsPerSample == kTrials;
}

// Running averages of what a KiB takes, in ticks, either way. 0: not known yet.
class CopyCosts {
 public:
  void add(CopyWay way, std::uint64_t ticks, std::uint32_t bytes) noexcept {
    std::uint32_t& cost = costs_[static_cast<std::size_t>(way)];
    const std::uint64_t sample = std::max<std::uint64_t>(ticks * 1024 / bytes, 1);
    if (cost == 0) {
      cost = static_cast<std::uint32_t>(std::min<std::uint64_t>(sample, kMost));
      return;
    }
    // What took many times as long was interrupted.
    const auto near = static_cast<std::uint32_t>(std::min<std::uint64_t>({sample, kMost, 4ull * cost}));
    cost = (3 * cost + near) / 4 + (near > cost);
  }

  std::uint32_t of(CopyWay way) const noexcept { return costs_[static_cast<std::size_t>(way)]; }

  // Both in a word that travels.
  std::uint64_t word() const noexcept { return std::uint64_t{costs_[1]} << 32 | costs_[0]; }
  static CopyCosts from(std::uint64_t word) noexcept {
    CopyCosts costs;
    costs.costs_ = {static_cast<std::uint32_t>(word), static_cast<std::uint32_t>(word >> 32)};
    return costs;
  }

 private:
  static constexpr std::uint64_t kMost = 1u << 28;  // so that sums of a few fit

  std::array<std::uint32_t, 2> costs_{};
};

class CopyChoice {
 public:
  // The way of the next message of at least kMinMeasured bytes, asked for again if there was no room for it.
  // `reader_costs()` loads the reader's word, now and then.
  template <class Load>
  CopyWay next(Load&& reader_costs) noexcept {
    if constexpr (!kStreamingCopies) return CopyWay::kCached;
    if (turn_ % kTurnsPerDecision == 0) decide(CopyCosts::from(reader_costs()));
    return is_trial(turn_) ? other(preferred_) : preferred_;
  }

  // The message has room and is written now: counts it. True: it is to be timed, and wrote() told.
  bool take_turn() noexcept { return is_timed(turn_++); }
  void wrote(CopyWay way, std::uint64_t ticks, std::uint32_t bytes) noexcept { own_.add(way, ticks, bytes); }

 private:
  static constexpr std::uint32_t kTurnsPerDecision = 8;

  static CopyWay other(CopyWay way) noexcept {
    return way == CopyWay::kCached ? CopyWay::kStreaming : CopyWay::kCached;
  }

  void decide(const CopyCosts& readers) noexcept {
    std::uint64_t sums[2];
    for (const CopyWay way : {CopyWay::kCached, CopyWay::kStreaming}) {
      if (own_.of(way) == 0 || readers.of(way) == 0) return;
      sums[static_cast<std::size_t>(way)] = std::uint64_t{own_.of(way)} + readers.of(way);
    }
    preferred_ = sums[1] < sums[0] ? CopyWay::kStreaming : CopyWay::kCached;
  }

  CopyCosts own_;
  CopyWay preferred_ = CopyWay::kCached;
  std::uint32_t turn_ = 0;
};

}  // namespace anchor
