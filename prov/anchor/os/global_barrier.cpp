// SPDX-License-Identifier: BSD-2-Clause
#include "os/global_barrier.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

namespace anchor {
namespace {

bool membarrier(int command) noexcept { return ::syscall(SYS_membarrier, command, 0, 0) == 0; }

}  // namespace

bool reached_by_global_barriers() noexcept {
  static const bool reached = membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED);
  return reached;
}

bool global_barrier() noexcept {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED);
}

}  // namespace anchor
