// SPDX-License-Identifier: BSD-2-Clause
// Narrows a Completion to the entry format a queue was opened with. Completion::flags are libfabric's already.
#pragma once

#include <rdma/fi_eq.h>

#include "core/completion_queue.h"

namespace anchor {

inline void write_entry(const Completion& from, fi_cq_entry* to) noexcept { to->op_context = from.context; }

inline void write_entry(const Completion& from, fi_cq_msg_entry* to) noexcept {
  to->op_context = from.context;
  to->flags = from.flags;
  to->len = from.length;
}

inline void write_entry(const Completion& from, fi_cq_data_entry* to) noexcept {
  to->op_context = from.context;
  to->flags = from.flags;
  to->len = from.length;
  to->buf = from.buffer;
  to->data = from.data;
}

inline void write_entry(const Completion& from, fi_cq_tagged_entry* to) noexcept {
  to->op_context = from.context;
  to->flags = from.flags;
  to->len = from.length;
  to->buf = from.buffer;
  to->data = from.data;
  to->tag = from.tag;
}

// fi_cq_err_entry without its error data, which depends on what the application gave.
inline void write_entry(const CompletionError& from, fi_cq_err_entry* to) noexcept {
  to->op_context = from.completion.context;
  to->flags = from.completion.flags;
  to->len = from.completion.length;
  to->buf = from.completion.buffer;
  to->data = from.completion.data;
  to->tag = from.completion.tag;
  to->olen = from.overflow_length;
  to->err = from.error;
  to->prov_errno = from.provider_error;
}

// The table of read operations for a format; nullptr: there is no such format.
fi_ops_cq* cq_ops_for(fi_cq_format format) noexcept;

}  // namespace anchor
