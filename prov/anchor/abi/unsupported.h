// SPDX-License-Identifier: BSD-2-Clause
// What stands in an operation slot that we do not serve: a function that says so. No slot of a table is ever NULL.
#pragma once

#include <rdma/fi_atomic.h>
#include <rdma/fi_collective.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_rma.h>
#include <rdma/fi_tagged.h>

namespace anchor {

// Fits every slot: its parameters and its result are deduced from the slot's type.
// kStatus says why: -FI_ENOSYS, never served; -FI_EOPBADSTATE, not now.
template <int kStatus, class Result, class... Arguments>
Result refuse(Arguments...) noexcept {
  return static_cast<Result>(kStatus);
}

// Whole groups that no endpoint of ours has.
extern fi_ops_rma unsupported_rma;
extern fi_ops_atomic unsupported_atomic;
extern fi_ops_collective unsupported_collective;

// Messages without the capability, and before fi_enable(3).
extern fi_ops_msg unsupported_messages;
extern fi_ops_tagged unsupported_tagged;
extern fi_ops_msg disabled_messages;
extern fi_ops_tagged disabled_tagged;
extern fi_ops_rma disabled_rma;

}  // namespace anchor
