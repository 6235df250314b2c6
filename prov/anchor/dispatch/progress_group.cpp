// SPDX-License-Identifier: BSD-2-Clause
#include "dispatch/progress_group.h"

#include <sched.h>

#include <algorithm>

#include "dispatch/deferred_work.h"
#include "dispatch/endpoint.h"

namespace anchor {
namespace {

// About 5 us of polling: an answer from a peer that runs is there by then.
constexpr std::uint32_t kPatientPasses = 256;
// A yield costs as much as ten to twenty passes: it must not delay what comes a little later.
constexpr std::uint32_t kPassesPerYield = 64;

}  // namespace

void ProgressGroup::join(Endpoint* endpoint) {
  const LockGuard guard(lock_);
  if (std::find(members_.begin(), members_.end(), endpoint) == members_.end()) members_.push_back(endpoint);
}

void ProgressGroup::leave(Endpoint* endpoint) noexcept {
  const LockGuard guard(lock_);
  std::erase(members_, endpoint);
}

bool ProgressGroup::progress_members() noexcept {
  const LockGuard guard(lock_);
  bool received = false;
  for (Endpoint* endpoint : members_) received |= endpoint->progress();
  return received;
}

void ProgressGroup::progress() noexcept {
  const bool received = progress_members();
  if (deferred_ != nullptr && deferred_->waiting()) [[unlikely]]
    deferred_->start_due();
  if (received) {
    idle_passes_.store(0, std::memory_order_relaxed);
    return;
  }
  const std::uint32_t idle = idle_passes_.load(std::memory_order_relaxed) + 1;
  idle_passes_.store(idle, std::memory_order_relaxed);
  if (idle > kPatientPasses && idle % kPassesPerYield == 0) [[unlikely]]
    sched_yield();
}

}  // namespace anchor
