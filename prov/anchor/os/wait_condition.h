// SPDX-License-Identifier: BSD-2-Clause
// A mutex and a condition for those who cannot wait for a descriptor: the condition is broadcast whenever the
// descriptor becomes readable anew, by a thread that sleeps on it.
//
// A condition has no memory, so the broadcast comes under the mutex: whoever holds it from the moment when nothing was
// there (fi_trywait(3)) until it waits misses nothing. The thread takes no other lock.
//
// start() may be called by several threads at once. Who destroys this holds no mutex of it, and nobody waits any more.
#pragma once

#include <pthread.h>
#include <sys/types.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "os/unique_fd.h"

namespace anchor {

class WaitCondition {
 public:
  WaitCondition() noexcept = default;
  ~WaitCondition();  // ends the thread and waits for that; nothing to wait for in a forked child
  WaitCondition(const WaitCondition&) = delete;
  WaitCondition& operator=(const WaitCondition&) = delete;

  // From now on the thread is there; the first call decides on the descriptor, which stays open until this is gone.
  // 0, or a negated errno value.
  int start(int descriptor) noexcept;

  pthread_mutex_t* mutex() noexcept { return &mutex_; }
  pthread_cond_t* condition() noexcept { return &condition_; }

 private:
  int open(int descriptor) noexcept;
  void run() noexcept;
  void broadcast() noexcept;

  // Neither holds anything that would have to be given back.
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t condition_ = PTHREAD_COND_INITIALIZER;

  std::mutex start_lock_;
  UniqueFd set_;   // epoll, edge-triggered: each event is told once, whether or not somebody takes it away
  UniqueFd stop_;  // in it, too
  std::atomic<bool> stops_{false};
  pid_t process_ = 0;
  std::thread thread_;
};

}  // namespace anchor
