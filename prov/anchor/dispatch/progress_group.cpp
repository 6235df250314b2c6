// SPDX-License-Identifier: BSD-2-Clause
#include "dispatch/progress_group.h"

#include <algorithm>

#include "dispatch/endpoint.h"

namespace anchor {

void ProgressGroup::join(Endpoint* endpoint) {
  const LockGuard guard(lock_);
  if (std::find(members_.begin(), members_.end(), endpoint) == members_.end()) members_.push_back(endpoint);
}

void ProgressGroup::leave(Endpoint* endpoint) noexcept {
  const LockGuard guard(lock_);
  std::erase(members_, endpoint);
}

void ProgressGroup::progress() noexcept {
  const LockGuard guard(lock_);
  for (Endpoint* endpoint : members_) endpoint->progress();
}

}  // namespace anchor
