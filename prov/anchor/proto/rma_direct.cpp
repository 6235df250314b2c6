// SPDX-License-Identifier: BSD-2-Clause
// Moving bytes between our memory and a peer's without the peer.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/counter.h"
#include "os/gather.h"
#include "os/log.h"
#include "proto/rma.h"

namespace anchor {
namespace {

// The kernel's word that the peer's memory is out of reach for good, not only the part asked for.
bool out_of_reach(std::ptrdiff_t result) noexcept { return result == -EPERM || result == -ENOSYS || result == -EACCES; }

std::ptrdiff_t copy(DirectCopy& direct, WorkType type, const iovec* local, std::size_t local_count, const iovec* remote,
                    std::size_t remote_count) noexcept {
  return type == WorkType::kRead ? direct.read(local, local_count, remote, remote_count)
                                 : direct.write(local, local_count, remote, remote_count);
}

// Bytes moved, or a negated errno value when that is none.
std::ptrdiff_t copy_from(DirectCopy& direct, const RemoteWork& work, const CheckedTargets& targets,
                         std::size_t position) noexcept {
  if (position == 0) [[likely]]
    return copy(direct, work.base.type, work.base.segments, work.base.segment_count, targets.list, targets.count);
  iovec local[kMaxSegments], remote[kMaxSegments * kMaxRegionRows];
  std::size_t bytes;
  const std::size_t left = work.base.length - position;
  const std::size_t local_count = slice(work.base.segments, work.base.segment_count, position, left, local, &bytes);
  const std::size_t remote_count = slice(targets.list, targets.count, position, left, remote, &bytes);
  return copy(direct, work.base.type, local, local_count, remote, remote_count);
}

}  // namespace

int move_directly(Exchange&, Peer& peer, const RemoteWork& work, const CheckedTargets& targets) noexcept {
  for (std::size_t position = 0; position < work.base.length;) {
    const std::ptrdiff_t moved = copy_from(*peer.direct, work, targets, position);
    if (out_of_reach(moved)) {
      ANCHOR_INFO(kEndpoint, "memory of %s cannot be reached directly (errno %td): its bytes go through the FIFO",
                  peer.name.bytes.data(), -moved);
      peer.direct.reset();
      return -EAGAIN;
    }
    if (moved <= 0) return moved == 0 ? -EFAULT : static_cast<int>(moved);
    position += static_cast<std::size_t>(moved);
  }
  return 0;
}

}  // namespace anchor
