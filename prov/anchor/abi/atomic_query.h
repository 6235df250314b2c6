// SPDX-License-Identifier: BSD-2-Clause
// Which atomic operations there are (fi_query_atomic, fi_atomicvalid and its kin: fi_atomic(3)).
#pragma once

#include <rdma/fi_atomic.h>

#include <cstddef>
#include <cstdint>

#include "core/atomic_operation.h"

namespace anchor {

// libfabric's numbers as ours; what is out of range becomes a type or operation that atomic_served() denies.
constexpr AtomicType atomic_type(fi_datatype datatype) noexcept {
  const auto number = static_cast<std::uint32_t>(datatype);
  return static_cast<AtomicType>(number < kAtomicTypeCount ? number : kAtomicTypeCount);
}
constexpr AtomicOperation atomic_operation(fi_op op) noexcept {
  const auto number = static_cast<std::uint32_t>(op);
  return static_cast<AtomicOperation>(number < kAtomicOperationCount ? number : kAtomicOperationCount);
}

// The elements that one call takes; 0: it takes none of this type, or has no such operation.
std::size_t max_atomic_count(AtomicClass family, fi_datatype datatype, fi_op op) noexcept;

int query_atomic(fid_domain* domain, fi_datatype datatype, fi_op op, fi_atomic_attr* attr,
                 std::uint64_t flags) noexcept;

}  // namespace anchor
