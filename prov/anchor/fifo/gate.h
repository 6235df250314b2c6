// SPDX-License-Identifier: BSD-2-Clause
// Who carries out the small reads and writes that lie in a FIFO: its reader (the target), or their sender (the
// initiator) by itself, once it has waited long enough.
//
// One word in the block decides, so that each operation is carried out once, and all of them in order. Both ends try,
// neither waits: the target takes the gate for as long as it reads from the FIFO, the initiator for as long as it
// copies directly what the target has not begun. The word holds how many have been carried out, too: that is all that
// either needs to know of the other. Operations are counted from 1 in 62 bits, which never come round.
//
//     kOpen n        the first n have been carried out, and answered through the FIFO
//     kTarget n      the target is at those behind n
//     kInitiator n   the initiator is
//     kTakenOver n   the initiator has carried out all up to n; the target drops them as it comes to them, and opens
//                    the gate with the last of them
//
// A target that stays away costs the initiator its patience, one that is at work is waited for, and both may be a
// liar: nothing here loops or waits, and a word that makes no sense is nobody's turn. Each end is used under its
// endpoint's lock.
#pragma once

#include <atomic>
#include <cstdint>

#include "fifo/fifo_layout.h"

namespace anchor {

struct GateWord {
  enum State : std::uint64_t { kOpen = 0, kTarget = 1, kInitiator = 2, kTakenOver = 3 };

  static constexpr std::uint64_t pack(State state, std::uint64_t count) noexcept { return count << 2 | state; }
  static constexpr State state(std::uint64_t word) noexcept { return static_cast<State>(word & 3); }
  static constexpr std::uint64_t count(std::uint64_t word) noexcept { return word >> 2; }
};

// The end of the FIFO's reader.
class TargetGate {
 public:
  enum class Turn : std::uint8_t {
    kOurs,    // carry it out, answer it, then pass()
    kTheirs,  // it has been: pass() it
    kNobody,  // the initiator is about to: leave it where it is
  };

  explicit TargetGate(SharedWord& word) noexcept : word_(word) {}

  // Whose the next operation is.
  Turn claim() noexcept {
    if (held_) return Turn::kOurs;
    // A7, paired with R7 in InitiatorGate::hand_back(): the initiator's last copy comes before our next.
    std::uint64_t seen = word_.load(std::memory_order_acquire);
    const GateWord::State state = GateWord::state(seen);
    if (state == GateWord::kTakenOver && passed_ < GateWord::count(seen)) return Turn::kTheirs;
    if (state != GateWord::kOpen && state != GateWord::kTakenOver) return Turn::kNobody;
    // Acquire for the same reason: the word may have gone to the initiator and back since.
    held_ = word_.compare_exchange_strong(seen, GateWord::pack(GateWord::kTarget, passed_), std::memory_order_acquire,
                                          std::memory_order_relaxed);
    return held_ ? Turn::kOurs : Turn::kNobody;
  }

  // The next operation is done with.
  void pass() noexcept {
    ++passed_;
    // Only a target leaves this state. Relaxed: nothing was carried out that it would have to show.
    if (!held_ && word_.load(std::memory_order_relaxed) == GateWord::pack(GateWord::kTakenOver, passed_))
      word_.store(GateWord::pack(GateWord::kOpen, passed_), std::memory_order_relaxed);
  }

  bool held() const noexcept { return held_; }

  // Gives the initiator its chance.
  void release() noexcept {
    held_ = false;
    // R8, paired with A8 in InitiatorGate::take(): without it the initiator's copy could come before ours.
    word_.store(GateWord::pack(GateWord::kOpen, passed_), std::memory_order_release);
  }

 private:
  SharedWord& word_;
  std::uint64_t passed_ = 0;
  bool held_ = false;
};

// The end of the FIFO's writer.
class InitiatorGate {
 public:
  explicit InitiatorGate(SharedWord& word) noexcept : word_(word) {}

  // One more is in the FIFO: its number.
  std::uint64_t count_sent() noexcept { return ++sent_; }
  std::uint64_t sent() const noexcept { return sent_; }

  // The target has come to all that we have carried out in its place.
  bool open() const noexcept { return GateWord::state(word_.load(std::memory_order_relaxed)) == GateWord::kOpen; }

  // Those behind *carried_out are ours until hand_back(). False: not now.
  bool take(std::uint64_t* carried_out) noexcept {
    std::uint64_t seen = word_.load(std::memory_order_relaxed);
    if (GateWord::state(seen) != GateWord::kOpen) return false;
    const std::uint64_t count = GateWord::count(seen);
    // A8: what the target has carried out and answered is there for us to see.
    if (!word_.compare_exchange_strong(seen, GateWord::pack(GateWord::kInitiator, count), std::memory_order_acquire,
                                       std::memory_order_relaxed))
      return false;
    *carried_out = count;
    return true;
  }

  // `count`: *carried_out of take(), or the number of the last one that we have carried out.
  void hand_back(std::uint64_t carried_out, std::uint64_t count) noexcept {
    const GateWord::State state = count == carried_out ? GateWord::kOpen : GateWord::kTakenOver;
    word_.store(GateWord::pack(state, count), std::memory_order_release);  // R7
  }

 private:
  SharedWord& word_;
  std::uint64_t sent_ = 0;
};

}  // namespace anchor
