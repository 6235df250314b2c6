// SPDX-License-Identifier: BSD-2-Clause
// Going to sleep without missing a message, the reader's side.
//
// The reader announces that it sleeps, looks again, sleeps; a writer publishes, then looks whether the reader sleeps.
// Each side stores and then loads what the other one stores, and a processor may let the load overtake the store: both
// would then miss each other. (fabtests/model/sleep.pml has the steps, S1 to S6 and W1 to W5, and is checked.)
//
//   reader                                              writer
//   S1 takes back old wakes                             W1 publishes the slot                          (R1)
//   S2 tells those it polled: polled = 0                W2 loads `polled`; 1: done                     (no fence)
//   S3 epoch = odd                                      W3 rings the board                             (R4)
//   S4 barrier                                          W4 fence; loads epoch; even: done
//   S5 looks at every FIFO it polled and at the board   W5 writes to the wait object, once an epoch
//   S6 sleeps on the wait object
//   S7 wakes after a while, and goes back to S1
//
// W1 to W2 is every message's way, so the fence that it lacks is executed by the reader, in S4, on all writers'
// processors: membarrier(2). It is needed only if S2 changed something; a writer that rings anyway has its own fence.
// Where the kernel refuses membarrier to the reader, it never sets `polled`; where to a writer, that one never looks at
// it. Credits returned to a writer that sleeps go the same way, with `starved` = 1 in the place of `polled` = 0.
//
// No fence that the reader executes reaches writers on other hosts. There the race is left to time: S2 has long been
// heard of when kSettling (dma/device.h) is over, and what was done before that can be seen. So if S2 changed something
// for a distant peer, the reader is woken then, and looks again. Nothing changes in that round, nor for whoever wakes
// and sleeps in turn.
//
// Used under the endpoint's lock.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "fifo/fifo_layout.h"

namespace anchor {

class SleepAnnouncement {
 public:
  // `line`: in our own header, zeroed.
  explicit SleepAnnouncement(SleepLine* line) noexcept : line_(line) {}

  // S3. Each call begins a new epoch, so every writer wakes us anew. Relaxed: the barrier of S4 follows.
  void announce() noexcept {
    epoch_ += asleep() ? 2 : 1;
    line_->epoch.store(epoch_, std::memory_order_relaxed);
  }
  // A writer that sees it late wakes us for nothing.
  void withdraw() noexcept {
    if (!asleep()) return;
    line_->epoch.store(++epoch_, std::memory_order_relaxed);
  }
  std::uint64_t epoch() const noexcept { return epoch_; }
  bool asleep() const noexcept { return epoch_ % 2 != 0; }

 private:
  SleepLine* const line_;
  std::uint64_t epoch_ = 0;
};

}  // namespace anchor
