// SPDX-License-Identifier: BSD-2-Clause
// A mutex that costs one predictable branch when the application promised to serialise its calls.
//
// fi_domain(3): under FI_THREAD_DOMAIN and FI_THREAD_COMPLETION the application itself serialises access to an endpoint
// and to the completion structures bound to it; then nothing is locked. Satisfies BasicLockable.
#pragma once

#include <mutex>

namespace anchor {

class Lock {
 public:
  explicit Lock(bool enabled) noexcept : enabled_(enabled) {}
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

  bool enabled() const noexcept { return enabled_; }

  void lock() noexcept {
    if (enabled_) mutex_.lock();
  }
  void unlock() noexcept {
    if (enabled_) mutex_.unlock();
  }

 private:
  const bool enabled_;
  std::mutex mutex_;
};

using LockGuard = std::lock_guard<Lock>;

}  // namespace anchor
