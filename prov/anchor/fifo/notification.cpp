// SPDX-License-Identifier: BSD-2-Clause
#include "fifo/notification.h"

#include <cerrno>

namespace anchor {

// W4 of the model. The fence is the writer's half of the race with a reader that goes to sleep (sleep_line.h): what was
// published comes before the look at the line. Who comes here rings anyway; messages to a reader that polls have none.
void Bell::wake_if_asleep() noexcept {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  const std::uint64_t epoch = line_ != nullptr ? line_->epoch.load(std::memory_order_relaxed) : owner_->told_epoch();
  if (epoch % 2 == 0 || epoch == woken_) return;
  // W5. An owner that could not be reached wakes by its own alarm, or look at the board; the next message tries again,
  // but not with one that has gone.
  const int error = owner_->wake();
  if (error == 0 || error == -EPIPE || error == -ENXIO) woken_ = epoch;
}

}  // namespace anchor
