// SPDX-License-Identifier: BSD-2-Clause
// The calls of endpoints with FI_TRIGGER: an operation with that flag, its own or by default (fi_alias(3)), starts once
// the counter named in its context has reached a threshold (fi_trigger(3)). The others go straight to their table.
#pragma once

#include <rdma/fi_trigger.h>

#include <cstdint>

#include "abi/trigger.h"

namespace anchor {

fi_ops_msg* triggerable_message_ops() noexcept;
fi_ops_tagged* triggerable_tagged_ops() noexcept;
fi_ops_rma* triggerable_rma_ops() noexcept;
fi_ops_atomic* triggerable_atomic_ops() noexcept;

// Whether operations that name no flags of their own are triggered, and with which flags they go.
inline bool sends_by_default(fid_ep* ep) noexcept { return (Ep::from(ep).transmit_op_flags() & FI_TRIGGER) != 0; }
inline std::uint64_t default_flags(fid_ep* ep) noexcept { return Ep::from(ep).transmit_op_flags(); }

inline bool has_caps(fid_ep* ep, std::uint64_t needed) noexcept {
  return (Ep::from(ep).core().caps & needed) == needed;
}

// `context` is a fi_triggered_context. -FI_EINVAL: it names no counter of the endpoint's domain; -FI_ENOSYS: another
// event than a threshold, or flags that cannot be served.
template <class Work>
ssize_t defer_by_context(Ep& ep, void* context, std::uint64_t flags, const Work& work) noexcept {
  const auto* triggered = static_cast<const fi_triggered_context*>(context);
  if (triggered == nullptr) return -FI_EINVAL;
  // What is injected is the caller's again at once, but not read before the operation starts.
  if (triggered->event_type != FI_TRIGGER_THRESHOLD || (flags & FI_INJECT) != 0) return -FI_ENOSYS;
  fid_cntr* const counter = triggered->trigger.threshold.cntr;
  if (counter == nullptr || &Cntr::from(counter).domain() != ep.core().domain.get()) return -FI_EINVAL;
  return guarded([&] {
    return defer_until(ep, {.trigger = Cntr::from(counter), .threshold = triggered->trigger.threshold.threshold}, work);
  });
}

}  // namespace anchor
