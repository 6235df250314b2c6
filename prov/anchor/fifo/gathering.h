// SPDX-License-Identifier: BSD-2-Clause
// Messages of a long stream are better left to come for a moment. A reader that looks at each next slot takes its line
// away from the writer just before that writes it, and then both wait for that line with every message; what has come
// while nobody looked comes as fast as lines can. So a stream's reader that has caught up looks again when a few
// messages are there, or soon.
//
// A matter of when to look, never of what there is. Used under the endpoint's lock, like its channel.
#pragma once

#include <atomic>
#include <cstdint>

#include "fifo/fifo_layout.h"
#include "os/streaming_copy.h"

namespace anchor {

class Gathering {
 public:
  static constexpr std::uint32_t kMessages = 4;
  static_assert(kMessages <= kMinSlots / 2);
  // Of each: more would leave the nearest caches while they wait (kCachedWindow, copy_choice.h).
  static constexpr std::uint32_t kMostBytes = 1024;

  enum class State : std::uint8_t {
    kNone,
    kGathers,  // look at something else
    kThere,    // they have come: from now on kNone
    kOver,     // they have not, in time: likewise
  };

  // `last`: the head of the slot that the last of them comes in, at `position`. Time begins with the first look().
  void begin(const SharedWord* last, std::uint32_t position) noexcept {
    last_ = last;
    position_ = position;
    since_ = 0;
  }
  void end() noexcept { last_ = nullptr; }
  bool active() const noexcept { return last_ != nullptr; }

  State look() noexcept {
    if (last_ == nullptr) [[likely]]
      return State::kNone;
    // Relaxed: whoever takes the messages looks again, with the acquire.
    const bool there = SlotHead::position(last_->load(std::memory_order_relaxed)) == position_;
    const std::uint64_t now = ticks();  // 0: it cannot be had
    if (since_ == 0) since_ = now;
    if (!there && now != 0 && now - since_ < kPatience) return State::kGathers;
    end();
    return there ? State::kThere : State::kOver;
  }

 private:
  static constexpr std::uint64_t kPatience = 512;  // ticks(): on most processors 150 to 250 ns

  const SharedWord* last_ = nullptr;  // nullptr: nothing is gathering
  std::uint32_t position_ = 0;
  std::uint64_t since_ = 0;
};

}  // namespace anchor
