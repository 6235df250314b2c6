// SPDX-License-Identifier: BSD-2-Clause
#include "dispatch/progress_thread.h"

#include <unistd.h>

#include "os/signals_blocked.h"

namespace anchor {

ProgressThread::ProgressThread(DeferredWork* deferred) : group_(true, nullptr, deferred), process_(::getpid()) {
  const SignalsBlocked blocked;
  thread_ = std::thread([this] { run(); });
}

ProgressThread::~ProgressThread() {
  if (process_ != ::getpid()) {
    thread_.detach();
    return;
  }
  stops_.store(true, std::memory_order_seq_cst);
  group_.interrupt();
  thread_.join();
}

void ProgressThread::run() noexcept {
  const auto stops = [this] { return stops_.load(std::memory_order_seq_cst); };
  gate_.enter();
  while (!stops()) {
    group_.progress();
    group_.sleep_until(WaitFd::kNoAlarm, stops, &gate_);
    gate_.pause();
  }
  gate_.leave();
}

}  // namespace anchor
