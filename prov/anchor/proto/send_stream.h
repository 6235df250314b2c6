// SPDX-License-Identifier: BSD-2-Clause
// Messages that would fit the FIFO but are announced all the same, as they are of a stream: the receiver then reads
// several by one system call (rendezvous_pull.h), and each byte is copied once. Where the two processors share a cache,
// copying twice may yet be faster. So the sender measures both, over runs of messages.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/completion_queue.h"
#include "os/clock.h"
#include "proto/pass_count.h"
#include "proto/way_choice.h"

namespace anchor {

// Bytes. Shorter ones are copied twice in less time than announcing and reading them takes.
inline constexpr std::uint64_t kShortestStreamed = 2049;
// More than so many that begin between two passes, or wait, are a stream.
inline constexpr std::size_t kFewestStreamed = 4;
// So many are announced at a time: enough for the receiver, and few beside the sends that an endpoint may have.
inline constexpr std::uint32_t kMostStreamed = 64;

// The sends to one peer that are long enough.
class SendStream {
 public:
  SendStream() noexcept { choose(); }

  // The application sends another one, in that pass. Whether it is one of a stream. Its completions go to `queue`;
  // nullptr: nowhere. Who has read the ends of all before it sends one by one, and must not be kept waiting for a
  // receive that is posted only later.
  bool grows(std::uint32_t pass, const CompletionQueue* queue) noexcept {
    if (begun_.add(pass) > kPause) ended_ = 0;
    if (announced_ == 0 && (queue == nullptr || queue->was_read(last_end_))) begun_.begin_anew();
    return begun_.count() > kFewestStreamed;
  }
  // One that may be of a stream has ended, as what is before `position` in its queue says.
  void ends_at(std::uint64_t position) noexcept { last_end_ = position; }
  // Whether one of a stream should be announced.
  bool announces() const noexcept { return directly_ && announced_ < kMostStreamed; }
  // One was.
  void has_announced() noexcept { ++announced_; }
  std::uint32_t announced() const noexcept { return announced_; }
  // One of a stream has ended.
  void has_ended(bool announced, std::uint64_t bytes) noexcept {
    if (announced) --announced_;
    bytes_ += bytes;
    if (announced != directly_) return;
    if (++ended_ == kPassed) {
      began_ = Clock::now();
      bytes_ = 0;
    }
    if (ended_ < kPassed + kMeasured) return;
    choice_.took(directly_, bytes_, Clock::now() - began_);
    choose();
  }

 private:
  // Of a run, the first ones: what went the other way is still being received.
  static constexpr std::uint32_t kPassed = 16;
  static constexpr std::uint32_t kMeasured = 64;
  // Passes without a send after which the time says nothing.
  static constexpr std::uint32_t kPause = 1u << 14;

  void choose() noexcept {
    directly_ = choice_.goes_directly();
    choice_.take_turn();
    ended_ = 0;
  }

  WayChoice choice_;
  PassCount begun_;
  std::uint64_t last_end_ = 0;
  std::uint32_t announced_ = 0;  // and not ended
  bool directly_;                // in this run
  std::uint32_t ended_;          // of the run's way
  std::uint64_t bytes_ = 0;
  TimePoint began_{};
};

}  // namespace anchor
