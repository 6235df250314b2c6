// SPDX-License-Identifier: BSD-2-Clause
// The endpoints whose progress a completion queue or counter drives: reading one of those is what makes an
// application's manual progress happen (FI_PROGRESS_MANUAL, fi_domain(3)). And sleeping until one of them, or the queue
// or counter itself, gives a reason not to.
//
// Thread-safe by its own lock, held while the members progress, so that an endpoint that left is never touched again.
#pragma once

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <vector>

#include "core/wake_source.h"
#include "os/fork_gate.h"
#include "os/lock.h"
#include "os/wait_fd.h"

namespace anchor {

class DeferredWork;
class Endpoint;

class ProgressGroup {
 public:
  // `source`: what sleepers wait for; nullptr: for nothing but messages. `deferred`: started by progress, too; nullptr:
  // none.
  explicit ProgressGroup(bool locked, WakeSource* source = nullptr, DeferredWork* deferred = nullptr) noexcept
      : deferred_(deferred), lock_(locked), source_(source) {}

  void join(Endpoint* endpoint);
  void leave(Endpoint* endpoint) noexcept;
  // One pass of each member. After many passes in which nothing came in, the processor is offered to others now and
  // then: where processes outnumber cores, the peer that is waited for may need this very one.
  void progress() noexcept;

  // 0, or a negated errno value; 0 as well when it is open already.
  int open_wait() noexcept { return wait_.open(); }
  int wait_descriptor() const noexcept { return wait_.fd(); }

  // Sleeps until there may be something to do, the moment has come, or somebody interrupts. `ready()` is looked at once
  // more when nothing can happen unnoticed any more; true: there is no need to sleep.
  // `gate`: whoever sleeps is inside of it, but for the sleep itself.
  template <class Ready>
  void sleep_until(TimePoint moment, Ready&& ready, ForkGate* gate = nullptr) noexcept;
  void interrupt() noexcept {
    const LockGuard guard(lock_);
    wait_.signal();
  }

  // The same for who sleeps on wait_descriptor() in a system call of his own: 0: it becomes readable when there may be
  // something to do, and the caller counts as asleep until it makes progress here. -EAGAIN: there is something, or may
  // be. -EINVAL: there was no open_wait().
  template <class Ready>
  int prepare_to_wait(Ready&& ready) noexcept;

 private:
  struct Member {
    Endpoint* endpoint;
    int descriptor = -1;   // its wait object, in wait_
    int notices = -1;      // its death notices, likewise
    bool counted = false;  // it counts us among its sleepers
  };

  static constexpr unsigned kLooksBeforeWait = 4;

  bool has_wait() noexcept {
    const LockGuard guard(lock_);
    return wait_.is_open();
  }
  bool progress_members() noexcept;
  int add_descriptor(int descriptor) noexcept;  // -1: it cannot be waited for
  // Everything of a sleep but sleeping. True: nothing is to be done before `alarm`.
  bool engage(TimePoint* alarm) noexcept;
  void disengage() noexcept;
  bool begin_sleep(TimePoint* alarm) noexcept;
  void nap(TimePoint moment) noexcept;
  void end_sleep() noexcept;
  bool begin_outside() noexcept;
  void end_outside() noexcept;
  void end_outside_here() noexcept;

  DeferredWork* const deferred_;
  Lock lock_;
  bool outside_ = false;                       // somebody sleeps, or is about to, in a system call of his own
  std::vector<Member> members_;                // an endpoint bound twice (as transmit and receive queue) stands once
  std::atomic<std::uint32_t> idle_passes_{0};  // relaxed: an estimate, whichever threads poll

  WakeSource* const source_;
  WaitFd wait_;
  unsigned inside_ = 0;  // threads in sleep_until()
  pthread_t outsider_{};
};

template <class Ready>
void ProgressGroup::sleep_until(TimePoint moment, Ready&& ready, ForkGate* gate) noexcept {
  TimePoint alarm = moment;
  const bool asleep = begin_sleep(&alarm);
  if (asleep && !ready()) {
    if (gate != nullptr) gate->leave();
    nap(std::min(alarm, moment));
    if (gate != nullptr) gate->enter();
  }
  end_sleep();
}

template <class Ready>
int ProgressGroup::prepare_to_wait(Ready&& ready) noexcept {
  if (!has_wait()) return -EINVAL;
  // What a look finds may be for others than the caller, and the next look nothing.
  for (unsigned looks = 0; looks < kLooksBeforeWait && !ready(); ++looks) {
    if (begin_outside() && !ready()) return 0;
    end_outside();
  }
  return -EAGAIN;
}

}  // namespace anchor
