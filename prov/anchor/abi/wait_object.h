// SPDX-License-Identifier: BSD-2-Clause
// How an application may wait for a queue or a counter: not at all, inside of libfabric's own calls (FI_WAIT_UNSPEC,
// FI_WAIT_YIELD), in a system call of its own on the descriptor beneath (FI_WAIT_FD, FI_WAIT_POLLFD), or on a condition
// that follows that descriptor (FI_WAIT_MUTEX_COND).
#pragma once

#include <rdma/fi_eq.h>

#include <cstddef>

#include "os/wait_condition.h"

namespace anchor {

// 0, or -FI_ENOSYS with a line in the log.
int check_wait_object(fi_wait_obj object) noexcept;

// The same for what may be a member of a wait set (fi_poll(3)) too.
inline int check_member_wait_object(fi_wait_obj object) noexcept {
  return object == FI_WAIT_SET ? 0 : check_wait_object(object);
}

// Whether the object needs a descriptor from the start.
inline bool has_descriptor(fi_wait_obj object) noexcept {
  return object == FI_WAIT_FD || object == FI_WAIT_POLLFD || object == FI_WAIT_SET || object == FI_WAIT_MUTEX_COND;
}
// Whether the object has a descriptor that fi_control(FI_GETWAIT) gives.
inline bool shows_descriptor(fi_wait_obj object) noexcept { return object == FI_WAIT_FD || object == FI_WAIT_POLLFD; }

// The part of fi_control that asks about the wait object; -FI_ENOSYS for any other command. `descriptor`: the one
// beneath, if has_descriptor(); `condition`: the object's own, which gets its thread when it is first asked for.
int wait_object_control(fi_wait_obj object, int descriptor, WaitCondition& condition, int command,
                        void* argument) noexcept;

// fi_cq_strerror(3) and fi_eq_strerror(3): our provider errors are errno or fi_errno values. Fills `text` if it is
// there.
const char* provider_error_text(int error, char* text, std::size_t size) noexcept;

}  // namespace anchor
