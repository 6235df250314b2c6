// SPDX-License-Identifier: BSD-2-Clause
// A work request's type decides what is done with it. The only place that answers -EAGAIN to the application.
#pragma once

#include "core/atomic_work.h"
#include "core/remote_work.h"
#include "core/work_request.h"
#include "proto/exchange.h"

namespace anchor {

// Requires: the endpoint is enabled, its lock is held; the type says send, resp. receive. 0: taken on, a completion
// follows. -EAGAIN: the completion queue is full, transmit_size sends are outstanding, or there is no memory. -EINVAL:
// unknown address.
int submit_send(Exchange& exchange, const WorkRequest& work) noexcept;
int submit_receive(Exchange& exchange, const WorkRequest& work) noexcept;

// Likewise, for operations on a peer's memory.
int submit_remote(Exchange& exchange, const RemoteWork& work);
int submit_atomic(Exchange& exchange, const AtomicWork& work);

}  // namespace anchor
