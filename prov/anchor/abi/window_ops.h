// SPDX-License-Identifier: BSD-2-Clause
// fi_open_ops(3) of a domain: the calls of rdma/fi_ext_anchor.h. Stateless.
#pragma once

#include <rdma/fabric.h>

#include <cstdint>

namespace anchor {

int open_domain_ops(fid* domain, const char* name, std::uint64_t flags, void** ops, void* context) noexcept;

}  // namespace anchor
