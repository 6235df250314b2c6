// SPDX-License-Identifier: BSD-2-Clause
// How an application may wait for a queue or a counter: not at all, or inside of libfabric's own calls
// (FI_WAIT_UNSPEC, FI_WAIT_YIELD). Nothing can be handed to poll(2) yet.
#pragma once

#include <rdma/fi_eq.h>

#include <cstddef>

namespace anchor {

// 0, or -FI_ENOSYS with a line in the log.
int check_wait_object(fi_wait_obj object) noexcept;

// The part of fi_control that asks about the wait object; -FI_ENOSYS for any other command.
int wait_object_control(fi_wait_obj object, int command, void* argument) noexcept;

// fi_cq_strerror(3) and fi_eq_strerror(3): our provider errors are errno or fi_errno values. Fills `text` if it is
// there.
const char* provider_error_text(int error, char* text, std::size_t size) noexcept;

}  // namespace anchor
