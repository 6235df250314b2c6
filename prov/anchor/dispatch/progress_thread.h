// SPDX-License-Identifier: BSD-2-Clause
// FI_PROGRESS_AUTO (fi_domain(3)): a thread that makes progress for a domain's endpoints whether or not the application
// calls, and sleeps when there is nothing to do.
//
// It sleeps in the same protocol as an application does (fifo/sleep_line.h), and application threads may make progress
// and sleep beside it. Requires endpoints that lock.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <thread>

#include "dispatch/progress_group.h"
#include "os/fork_gate.h"

namespace anchor {

class ProgressThread {
 public:
  // `deferred`: work to be started when it is due; nullptr: none. Throws std::system_error when there can be no thread.
  explicit ProgressThread(DeferredWork* deferred = nullptr);
  ~ProgressThread();  // ends it and waits for that; nothing to wait for in a forked child
  ProgressThread(const ProgressThread&) = delete;
  ProgressThread& operator=(const ProgressThread&) = delete;

  ProgressGroup& group() noexcept { return group_; }

 private:
  void run() noexcept;

  ProgressGroup group_;
  ForkGate gate_;  // a child can close what the thread attends to
  std::atomic<bool> stops_{false};
  const pid_t process_;
  std::thread thread_;
};

}  // namespace anchor
