// SPDX-License-Identifier: BSD-2-Clause
// The last steps every data transfer call shares: check lengths, hand the request to the endpoint.
#pragma once

#include <rdma/fi_endpoint.h>
#include <rdma/fi_errno.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

#include "abi/ep.h"
#include "core/work_request.h"

namespace anchor {

// The parts of a request that do not come from its segments.
struct Transfer {
  WorkType type;
  std::uint32_t flags;
  fi_addr_t address;
  std::uint64_t tag;
  std::uint64_t ignore;
  std::uint64_t data;
  void* context;
};

// fi_endpoint(3) gives no code for what exceeds max_msg_size or inject_size; this one says it.
inline ssize_t submit(Ep& ep, const Transfer& transfer, const void* buffer, std::size_t length,
                      std::size_t limit) noexcept {
  if (length > limit) [[unlikely]]
    return -FI_EMSGSIZE;
  const iovec segment{const_cast<void*>(buffer), length};
  return ep.endpoint().submit({.type = transfer.type,
                               .flags = transfer.flags,
                               .segment_count = 1,
                               .segments = &segment,
                               .length = length,
                               .address = transfer.address,
                               .tag = transfer.tag,
                               .ignore = transfer.ignore,
                               .data = transfer.data,
                               .context = transfer.context});
}

inline ssize_t submit(Ep& ep, const Transfer& transfer, const iovec* segments, std::size_t count,
                      std::size_t limit) noexcept {
  // fi_msg(3) speaks of a single buffer for multi-receive: a completion says where in it the message lies.
  if (count > kMaxSegments || ((transfer.flags & kMultiReceive) != 0 && count != 1)) [[unlikely]]
    return -FI_EINVAL;
  std::size_t length = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (segments[i].iov_len > limit - length) [[unlikely]]
      return -FI_EMSGSIZE;
    length += segments[i].iov_len;
  }
  return ep.endpoint().submit({.type = transfer.type,
                               .flags = transfer.flags,
                               .segment_count = static_cast<std::uint32_t>(count),
                               .segments = segments,
                               .length = length,
                               .address = transfer.address,
                               .tag = transfer.tag,
                               .ignore = transfer.ignore,
                               .data = transfer.data,
                               .context = transfer.context});
}

}  // namespace anchor
