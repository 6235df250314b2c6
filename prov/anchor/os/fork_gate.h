// SPDX-License-Identifier: BSD-2-Clause
// Where a thread of ours stands while its process forks, holding no lock: a child has copies of the locks but not of
// the thread, and would wait for ever for those that it held.
//
// The thread is inside between enter() and leave(); fork(2) waits until it is outside, and keeps it there. A thread
// that stays inside for long calls pause() wherever it holds no lock. The handlers of fork are registered after those
// of the layers' own locks, and so run before them: a thread inside may be waiting for one of those. Used by one thread
// but for that. A child may do nothing with a gate but destroy it.
#pragma once

#include <atomic>
#include <mutex>

namespace anchor {

class ForkGate {
 public:
  ForkGate() noexcept;
  ~ForkGate();
  ForkGate(const ForkGate&) = delete;
  ForkGate& operator=(const ForkGate&) = delete;

  void enter() noexcept { inside_.lock(); }
  void leave() noexcept { inside_.unlock(); }
  void pause() noexcept;

 private:
  friend struct ForkGateList;

  std::mutex inside_;
  ForkGate* next_ = nullptr;
  ForkGate* previous_ = nullptr;
};

}  // namespace anchor
