// SPDX-License-Identifier: BSD-2-Clause
// Waiting by polling, for the calls that fi_cq(3) and fi_cntr(3) let block: between two polls the processor is offered
// to others, because the peer that is waited for may need it.
//
// Belongs to one call of one thread.
#pragma once

#include <sched.h>

#include "os/clock.h"

namespace anchor {

class PollingWait {
 public:
  // Milliseconds; negative waits without end, zero polls once.
  explicit PollingWait(int timeout) noexcept
      : forever_(timeout < 0), deadline_(forever_ ? TimePoint{} : Clock::now() + Milliseconds(timeout)) {}

  // Call after a poll that found nothing: false when the time is over.
  bool again() noexcept {
    if (++polls_ % kPollsPerYield == 0) ::sched_yield();
    return forever_ || Clock::now() < deadline_;
  }

 private:
  static constexpr unsigned kPollsPerYield = 32;
  const bool forever_;
  const TimePoint deadline_;
  unsigned polls_ = 0;
};

}  // namespace anchor
