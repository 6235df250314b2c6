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

// The handlers are registered with the first gate, by when the plugin is loaded and those of other files stand.
ForkGate::ForkGate() noexcept {
  static const int registered = ::pthread_atfork(ForkGateList::before_fork, ForkGateList::after_fork_in_parent,
                                                 ForkGateList::after_fork_in_child);
  static_cast<void>(registered);  // without them a child may find a lock held, as it may one of any other thread's
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
