// SPDX-License-Identifier: BSD-2-Clause
// Of two that send each other a message in turn: when to look for the next one.
//
// A line that is looked at cannot be with who is to write it: the writer has to take it away first, which takes as long
// as the message's own way. So each end asks for the slot of its next message as soon as it has sent, and the other end
// leaves that slot alone: until it has answered, and for a while then, in which its answer cannot be answered. How long
// that is shows in the first look: if nothing is there, it came too early, and took the line away; if something is, it
// may have come too late. Half a round trip of 8 bytes takes 0.79 of the time (Xeon), less than a line takes that
// two processors look at all the time.
//
// Owned by a Channel, used under the endpoint's lock.
#pragma once

#include <cstdint>

#include "os/streaming_copy.h"

namespace anchor {

// `kClock` gives ticks, 0 where there is no such clock; then only looks are counted.
template <std::uint64_t (*kClock)() noexcept>
class TurnTakingBy {
 public:
  // A message has been sent, the first since one was found. Whether the next slot is to be asked for.
  bool sent() noexcept {
    if (!takes_turns()) return false;
    const std::uint64_t now = kClock();
    due_ = now == 0 ? 0 : now + hold_;
    looks_left_ = now == 0 ? 0 : kMostLooks;
    return true;
  }
  // One has been found; `sent`: as many have been since the one before.
  void found(std::uint32_t sent) noexcept {
    waits_ = false;
    if (sent != 1) {
      turns_ = 0;
      return;
    }
    ++turns_;
    if (rests_ != 0) --rests_;
    due_ = 0;
    looks_left_ = kLooksBeforeAnswer;
  }
  // That one has been taken; the answer may have been sent before.
  void taken() noexcept { waits_ = takes_turns(); }

  // Whether it is too early for a look. Counts: asked once a pass, by who would look.
  bool too_early() noexcept {
    if (!waits_) return false;
    if (looks_left_ != 0) {
      --looks_left_;
      if (due_ == 0 || kClock() < due_) return true;
    }
    waits_ = false;
    is_first_ = true;
    return false;
  }
  bool waits() const noexcept { return waits_; }
  bool established() const noexcept { return turns_ > kTurnsBefore; }
  // What the look showed.
  void looked(bool found) noexcept {
    if (!is_first_) [[likely]]
      return;
    is_first_ = false;
    if (due_ == 0) {  // the other end has not waited for us
      if (found) rest();
      return;
    }
    if (found) {
      hold_ -= ++late_in_a_row_ < kSurelyLate ? 1 : hold_ / 32;
    } else {
      late_in_a_row_ = 0;
      hold_ += kStep;
    }
    if (hold_ < kShortest || hold_ > kLongest) rest();
  }

 private:
  static constexpr std::uint32_t kTurnsBefore = 8;
  // An application that has taken a message may well look again before it answers.
  static constexpr std::uint32_t kLooksBeforeAnswer = 3;
  // However long the clock says: it may be another processor's by now.
  static constexpr std::uint32_t kMostLooks = 64;
  // Ticks: a third or half of a nanosecond each. Answers that are there in less had been sent before our message was
  // seen; where more is needed the other end has more to do than to answer. One look in kStep is too early, then.
  static constexpr std::uint64_t kShortest = 32, kFirst = 128, kLongest = 1024, kStep = 16;
  // First looks, more than kStep: the answers have become faster.
  static constexpr std::uint32_t kSurelyLate = 32;
  // Turns, after either.
  static constexpr std::uint32_t kRest = 4096;

  void rest() noexcept {
    hold_ = kFirst;
    late_in_a_row_ = 0;
    rests_ = kRest;
  }
  bool takes_turns() const noexcept { return established() && rests_ == 0; }

  std::uint32_t turns_ = 0;  // in a row
  std::uint32_t rests_ = 0;  // turns without any of this
  std::uint64_t hold_ = kFirst;
  std::uint64_t due_ = 0;  // when to look; 0: we have not answered
  std::uint32_t looks_left_ = 0;
  std::uint32_t late_in_a_row_ = 0;  // first looks that found something
  bool waits_ = false;
  bool is_first_ = false;
};

using TurnTaking = TurnTakingBy<ticks>;

}  // namespace anchor
