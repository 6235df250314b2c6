// SPDX-License-Identifier: BSD-2-Clause
// The addresses of an fi_info: which of node, service and hints give the source and which the destination.
#pragma once

#include <rdma/fabric.h>

#include <cstdint>

namespace anchor {

// The arguments of one fi_getinfo(3).
struct InfoQuery {
  std::uint32_t version;
  const char* node;
  const char* service;
  std::uint64_t flags;
  const fi_info* hints;  // may be nullptr
};

// Sets addr_format, src_addr and dest_addr of `offer`. A source that was not asked for is the address that stands for
// any free one. -FI_ENODATA, with a line in the log, when an address cannot be served; -FI_EINVAL when one is
// malformed.
int apply_addresses(const InfoQuery& query, fi_info* offer);

}  // namespace anchor
