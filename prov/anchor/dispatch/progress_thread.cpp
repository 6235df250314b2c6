// SPDX-License-Identifier: BSD-2-Clause
#include "dispatch/progress_thread.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

namespace anchor {
namespace {

// The application's signals are its own threads' affair: a new thread inherits this mask.
class SignalsBlocked {
 public:
  SignalsBlocked() noexcept {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &former_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &former_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t former_;
};

}  // namespace

ProgressThread::ProgressThread() : process_(::getpid()) {
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
  while (!stops()) {
    group_.progress();
    group_.sleep_until(WaitFd::kNoAlarm, stops);
  }
}

}  // namespace anchor
