// SPDX-License-Identifier: BSD-2-Clause
// The tables of fi_atomic(3)'s calls, for an endpoint with these capabilities.
#pragma once

#include <rdma/fi_atomic.h>

#include <cstdint>

namespace anchor {

fi_ops_atomic* atomic_ops(std::uint64_t caps) noexcept;
fi_ops_atomic* disabled_atomic_ops(std::uint64_t caps) noexcept;  // before fi_enable

}  // namespace anchor
