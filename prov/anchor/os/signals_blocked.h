// SPDX-License-Identifier: BSD-2-Clause
// For threads of ours in an application's process: its signals, but for those of faults, are its own threads' affair. A
// new thread inherits the mask of the one that starts it, so that one holds an object of this kind meanwhile.
#pragma once

#include <pthread.h>
#include <signal.h>

namespace anchor {

class SignalsBlocked {
 public:
  SignalsBlocked() noexcept {
    sigset_t blocked;
    ::sigfillset(&blocked);
    // A fault whose signal is blocked ends the process, and guarded mappings live by SIGBUS, checked memory by SIGTRAP.
    for (const int fault : {SIGBUS, SIGSEGV, SIGTRAP, SIGILL, SIGFPE}) ::sigdelset(&blocked, fault);
    ::pthread_sigmask(SIG_SETMASK, &blocked, &former_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &former_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t former_;
};

}  // namespace anchor
