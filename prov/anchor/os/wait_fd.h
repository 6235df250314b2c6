// SPDX-License-Identifier: BSD-2-Clause
// One file descriptor that becomes readable for any of several reasons: an added descriptor is readable, somebody in
// this process signals, or an alarm goes off. An epoll(7) set, so it can stand in others' sets.
//
// Thread-safe but for open() and set_alarm(). What can fail returns 0 or a negated errno value.
#pragma once

#include <atomic>
#include <mutex>

#include "os/clock.h"
#include "os/unique_fd.h"

namespace anchor {

class WaitFd {
 public:
  WaitFd() noexcept = default;
  WaitFd(const WaitFd&) = delete;
  WaitFd& operator=(const WaitFd&) = delete;

  int open() noexcept;  // 0 as well when it is open already
  bool is_open() const noexcept { return static_cast<bool>(set_); }
  int fd() const noexcept { return set_.get(); }

  int add(int fd) noexcept;
  void remove(int fd) noexcept;

  // Readable from now on, until clear(). Costs a system call once however often it is called in between.
  void signal() noexcept;
  void clear() noexcept;
  bool signalled() const noexcept { return signalled_.load(std::memory_order_relaxed); }

  // Readable once the moment has come, until the alarm is set anew. kNoAlarm: never.
  int set_alarm(TimePoint moment) noexcept;

  // Sleeps until it is readable or the moment has come; kNoAlarm: without end. Returns whether it is readable. A
  // signal handler ends the sleep.
  bool wait_until(TimePoint moment) noexcept;

  static constexpr TimePoint kNoAlarm = TimePoint::max();

 private:
  UniqueFd set_;
  UniqueFd event_;
  UniqueFd timer_;          // made when the first alarm is set
  std::mutex signal_lock_;  // for writers of signalled_
  std::atomic<bool> signalled_{false};
  TimePoint alarm_ = kNoAlarm;
};

}  // namespace anchor
