// SPDX-License-Identifier: BSD-2-Clause
// A long read or write whose bytes both ends copy at the same time: who copies which.
//
// The operation is cut into pieces. The target takes them from the front, the initiator from the back, each by a
// compare-and-swap on one word in the block, until there is none between them. So every piece is copied by one of them,
// and neither waits for the other to begin: a target that never comes finds nothing left. When it takes no more, it
// reports how many it has copied, in a word of the other block, and the initiator copies what it took and left.
//
// An offer has a number, that of the message which announced it; the next one is made once the target has reported
// upon the last. Both may be liars: nothing here loops or waits, and a word that makes no sense is told from one that
// does, for what we know of it ourselves. Each end is used under its endpoint's lock.
#pragma once

#include <atomic>
#include <cstdint>

#include "fifo/fifo_layout.h"

namespace anchor {

struct ShareWord {
  static constexpr std::uint32_t kMostPieces = (1u << 24) - 1;

  static constexpr std::uint64_t pack(std::uint16_t number, std::uint32_t front, std::uint32_t back) noexcept {
    return std::uint64_t{number} << 48 | std::uint64_t{front} << 24 | back;
  }
  static constexpr std::uint16_t number(std::uint64_t word) noexcept { return static_cast<std::uint16_t>(word >> 48); }
  static constexpr std::uint32_t front(std::uint64_t word) noexcept { return word >> 24 & kMostPieces; }
  static constexpr std::uint32_t back(std::uint64_t word) noexcept { return word & kMostPieces; }
};

// What the target says: the number of the offer, and pieces copied.
struct ReportWord {
  static constexpr std::uint64_t pack(std::uint16_t number, std::uint32_t pieces) noexcept {
    return std::uint64_t{number} << 48 | pieces;
  }
  static constexpr std::uint16_t number(std::uint64_t word) noexcept { return static_cast<std::uint16_t>(word >> 48); }
  static constexpr std::uint64_t pieces(std::uint64_t word) noexcept { return word & ((1ull << 48) - 1); }
};

class InitiatorShare {
 public:
  InitiatorShare(SharedWord& word, SharedWord& report) noexcept : word_(word), report_(report) {}

  // Whether an offer may be made: the target is done with the last one.
  bool idle() const noexcept { return ReportWord::number(report_.load(std::memory_order_relaxed)) == number_; }

  // Its number, for the message. Relaxed: the message is published after it.
  std::uint16_t offer(std::uint32_t pieces) noexcept {
    if (++number_ == 0) ++number_;  // zero is no offer
    back_ = pieces;
    word_.store(ShareWord::pack(number_, 0, pieces), std::memory_order_relaxed);
    return number_;
  }

  enum class Claim : std::uint8_t {
    kTaken,     // `*piece` is ours to copy
    kNoneLeft,  // what the target has taken begins at the front, and ends at taken()
    kNotNow,    // the target has changed the word meanwhile
    kNonsense,
  };

  // The last piece that nobody has. Relaxed: what orders the copies of both ends is the offer's message before, and the
  // report behind them.
  Claim claim(std::uint32_t* piece) noexcept { return move_back(false, piece); }
  // All of them, not to be copied.
  Claim withdraw() noexcept {
    std::uint32_t unused;
    return move_back(true, &unused);
  }
  std::uint32_t taken() const noexcept { return back_; }
  // How many nobody has yet.
  std::uint32_t left() const noexcept { return back_ - ShareWord::front(word_.load(std::memory_order_relaxed)); }

  // Whether the target is done with it, and pieces it has copied. A10: then their bytes are there.
  bool reported(std::uint64_t* pieces) const noexcept {
    const std::uint64_t report = report_.load(std::memory_order_acquire);
    *pieces = ReportWord::pieces(report);
    return ReportWord::number(report) == number_;
  }

 private:
  // By a piece, or all the way. Where to depends on the very word that is exchanged.
  Claim move_back(bool all, std::uint32_t* piece) noexcept {
    std::uint64_t seen = word_.load(std::memory_order_relaxed);
    const std::uint32_t front = ShareWord::front(seen);
    if (seen != ShareWord::pack(number_, front, back_) || front > back_) return Claim::kNonsense;
    if (front == back_) return Claim::kNoneLeft;
    const std::uint32_t to = all ? front : back_ - 1;
    if (!word_.compare_exchange_strong(seen, ShareWord::pack(number_, front, to), std::memory_order_relaxed))
      return Claim::kNotNow;
    back_ = *piece = to;
    return Claim::kTaken;
  }

  SharedWord& word_;
  SharedWord& report_;
  std::uint16_t number_ = 0;
  std::uint32_t back_ = 0;
};

class TargetShare {
 public:
  TargetShare(SharedWord& word, SharedWord& report) noexcept : word_(word), report_(report) {}

  // Takes piece `next`, having taken all before it. False: there is none any more.
  bool claim(std::uint16_t number, std::uint32_t next) noexcept {
    std::uint64_t seen = word_.load(std::memory_order_relaxed);
    for (int attempt = 0; attempt < kAttempts && holds(seen, number, next); ++attempt)
      if (word_.compare_exchange_weak(seen, ShareWord::pack(number, next + 1, ShareWord::back(seen)),
                                      std::memory_order_relaxed))
        return true;
    return false;
  }
  // How many nobody has yet.
  std::uint32_t left(std::uint16_t number, std::uint32_t next) const noexcept {
    const std::uint64_t word = word_.load(std::memory_order_relaxed);
    return holds(word, number, next) ? ShareWord::back(word) - next : 0;
  }

  // R10, paired with A10 in InitiatorShare::reported(): else the operation could end, and its memory be used, before
  // our last piece is there.
  void report(std::uint16_t number, std::uint32_t pieces) noexcept {
    report_.store(ReportWord::pack(number, pieces), std::memory_order_release);
  }

 private:
  // The initiator needs as long for a piece as many of ours.
  static constexpr int kAttempts = 4;

  static bool holds(std::uint64_t word, std::uint16_t number, std::uint32_t next) noexcept {
    return ShareWord::number(word) == number && ShareWord::front(word) == next && next < ShareWord::back(word);
  }

  SharedWord& word_;
  SharedWord& report_;
};

}  // namespace anchor
