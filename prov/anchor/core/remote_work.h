// SPDX-License-Identifier: BSD-2-Clause
// The normalised form of what a client asks of a peer's memory: RMA and atomic operations. As a WorkRequest it lives on
// the caller's stack for the length of one call.
#pragma once

#include <cstdint>

#include "core/work_request.h"

namespace anchor {

// A piece of a peer's memory. `address` counts from where the region begins for its peers: at its first byte's address
// in its owner's process (FI_MR_VIRT_ADDR) or at zero.
struct RemoteTarget {
  std::uint64_t address;
  std::uint64_t length;  // bytes
  std::uint64_t key;
};

struct RemoteWork {
  WorkRequest base;  // type kRead to kCompareAtomic; the segments are our own memory; tag and ignore are not used
  std::uint32_t target_count;
  const RemoteTarget* targets;  // as many bytes as the segments
};

}  // namespace anchor
