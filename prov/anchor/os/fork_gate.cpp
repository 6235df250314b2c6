// SPDX-License-Identifier: BSD-2-Clause
#include "os/fork_gate.h"

#include <pthread.h>

namespace anchor {

// Constant-initialised and trivially destroyed, as in process_fd.cpp.
struct ForkGateList {
  static inline std::mutex mutex;
  static inline ForkGate* first = nullptr;
  static inline std::atomic<unsigned> forks{0};  // under way, or about to be: threads inside shall step outside

  static void add(ForkGate* gate) noexcept {
    gate->next_ = first;
    if (first != nullptr) first->previous_ = gate;
    first = gate;
  }

  static void remove(ForkGate* gate) noexcept {
    (gate->previous_ != nullptr ? gate->previous_->next_ : first) = gate->next_;
    if (gate->next_ != nullptr) gate->next_->previous_ = gate->previous_;
  }

  static void before_fork() {
    forks.fetch_add(1, std::memory_order_relaxed);
    mutex.lock();
    for (ForkGate* gate = first; gate != nullptr; gate = gate->next_) gate->inside_.lock();
  }

  static void open_all() noexcept {
    for (ForkGate* gate = first; gate != nullptr; gate = gate->next_) gate->inside_.unlock();
    mutex.unlock();
  }

  static void after_fork_in_parent() {
    forks.fetch_sub(1, std::memory_order_relaxed);
    open_all();
  }

  // Other threads that were about to fork are not here.
  static void after_fork_in_child() {
    forks.store(0, std::memory_order_relaxed);
    open_all();
  }
};

// The handlers are registered with the first gate, by when the plugin is loaded and those of other files stand. By
// pthread_once(3), not as a static of a function: a child forked while another thread was at it begins anew, and would
// wait for that thread for ever otherwise. An error is none of ours: without the handlers a child may find a lock held,
// as it may one of any other thread's.
ForkGate::ForkGate() noexcept {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  ::pthread_once(&once, [] {
    static_cast<void>(::pthread_atfork(ForkGateList::before_fork, ForkGateList::after_fork_in_parent,
                                       ForkGateList::after_fork_in_child));
  });
  const std::lock_guard<std::mutex> guard(ForkGateList::mutex);
  ForkGateList::add(this);
}

ForkGate::~ForkGate() {
  const std::lock_guard<std::mutex> guard(ForkGateList::mutex);
  ForkGateList::remove(this);
}

// Whoever forks holds the list: waiting for it is waiting for the fork.
void ForkGate::pause() noexcept {
  if (ForkGateList::forks.load(std::memory_order_relaxed) == 0) [[likely]]
    return;
  leave();
  { const std::lock_guard<std::mutex> guard(ForkGateList::mutex); }
  enter();
}

}  // namespace anchor
