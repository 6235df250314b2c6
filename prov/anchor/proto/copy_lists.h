// SPDX-License-Identifier: BSD-2-Clause
// What one system call is to copy: several operations, or messages, one after the other. The call costs as much as some
// pages of what it moves.
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>

#include "dma/device.h"

namespace anchor {

struct CopyLists {
  iovec local[kMaxCopySegments];
  std::size_t local_count = 0;
  iovec remote[kMaxCopySegments];
  std::size_t remote_count = 0;

  bool has_room_for(std::size_t more_local, std::size_t more_remote) const noexcept {
    return local_count + more_local <= kMaxCopySegments && remote_count + more_remote <= kMaxCopySegments;
  }
  // Requires has_room_for().
  void add(const iovec* more_local, std::size_t more_local_count, const iovec* more_remote,
           std::size_t more_remote_count) noexcept {
    std::copy_n(more_local, more_local_count, local + local_count);
    local_count += more_local_count;
    std::copy_n(more_remote, more_remote_count, remote + remote_count);
    remote_count += more_remote_count;
  }
};

}  // namespace anchor
