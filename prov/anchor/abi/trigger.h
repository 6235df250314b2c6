// SPDX-License-Identifier: BSD-2-Clause
// fi_trigger(3): the deferred work queue of a domain, and what it shares with triggered operations.
#pragma once

#include <rdma/fi_trigger.h>

#include <cstdint>

#include "abi/cntr.h"
#include "abi/ep.h"
#include "core/atomic_work.h"
#include "core/remote_work.h"

namespace anchor {

// When a request is to start, and what its end is told to.
struct TriggerCondition {
  Cntr& trigger;
  std::uint64_t threshold;
  const void* name = nullptr;  // fi_deferred_work: what FI_CANCEL_WORK gives
  bool tracked = false;        // the end counts at `counted` and nowhere else
  Cntr* counted = nullptr;
};

// Queues it, and starts it at once if it is due. 0, -FI_ENOSYS without FI_TRIGGER; may throw std::bad_alloc.
int defer_until(Ep& ep, const TriggerCondition& condition, const WorkRequest& work);
int defer_until(Ep& ep, const TriggerCondition& condition, const RemoteWork& work);
int defer_until(Ep& ep, const TriggerCondition& condition, const AtomicWork& work);

// fi_control(3) of a domain.
int queue_work(Domain& domain, fi_deferred_work* work) noexcept;
int cancel_work(Domain& domain, const fi_deferred_work* work) noexcept;
// All of it, or, given a work whose triggering_cntr is set, what waits for that counter.
int flush_work(Domain& domain, const fi_deferred_work* work) noexcept;

}  // namespace anchor
