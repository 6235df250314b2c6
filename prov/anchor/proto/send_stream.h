// SPDX-License-Identifier: BSD-2-Clause
// Messages that would fit the FIFO but are announced all the same, as they are of a stream: the receiver then reads
// several by one system call (rendezvous_pull.h), and copies each byte once.
#pragma once

#include <cstddef>
#include <cstdint>

namespace anchor {

// Bytes. Shorter ones are copied twice in less time than announcing and reading them takes.
inline constexpr std::uint64_t kShortestStreamed = 2049;
// More than so many that begin between two passes, or wait, are a stream.
inline constexpr std::size_t kFewestStreamed = 4;

// The sends to one peer that are long enough. A receiver that finds the FIFO faster asks for the bytes of what we
// announce (Clear to send). Then they go the usual way for a while. A few say nothing: it tries both ways now and then.
class SendStream {
 public:
  // The application sends another one, in that pass. Whether it is one of a stream.
  bool grows(std::uint32_t pass) noexcept {
    if (pass != pass_) count_ = 0;
    pass_ = pass;
    return ++count_ > kFewestStreamed;
  }
  // Whether the next one of a stream should be announced.
  bool announces() noexcept {
    if (rest_ == 0) return true;
    --rest_;
    return false;
  }
  // The receiver wanted the bytes of one; or it is done with one.
  void was_asked_for() noexcept {
    asked_ += kWeight;
    if (asked_ < kMostAsked) return;
    asked_ = 0;
    rest_ = kRest;
  }
  void was_finished() noexcept { asked_ -= asked_ != 0 ? 1 : 0; }

 private:
  // At first, one in four is a trial: after that, two of 128 (transfer_choice.h).
  static constexpr std::uint32_t kWeight = 8;
  static constexpr std::uint32_t kMostAsked = 96;
  static constexpr std::uint32_t kRest = 8192;

  std::uint32_t pass_ = ~0u;
  std::uint32_t count_ = 0;
  std::uint32_t asked_ = 0;
  std::uint32_t rest_ = 0;  // as many go the usual way
};

}  // namespace anchor
