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

// Bytes moved, or a negated errno value when that is none.
std::ptrdiff_t copy_part(DirectCopy& direct, const RemoteWork& work, const CheckedTargets& targets, std::uint64_t begin,
                         std::uint64_t end) noexcept {
  const WorkRequest& base = work.base;
  if (begin == 0 && end == base.length) [[likely]]
    return copy_directly(direct, base.type, base.segments, base.segment_count, targets.list, targets.count);
  iovec local[kMaxSegments], remote[kMaxSegments * kMaxRegionRows];
  std::size_t bytes;
  const std::size_t local_count = slice(base.segments, base.segment_count, begin, end - begin, local, &bytes);
  const std::size_t remote_count = slice(targets.list, targets.count, begin, end - begin, remote, &bytes);
  return copy_directly(direct, base.type, local, local_count, remote, remote_count);
}

}  // namespace

std::ptrdiff_t copy_directly(DirectCopy& direct, WorkType type, const iovec* local, std::size_t local_count,
                             const iovec* remote, std::size_t remote_count) noexcept {
  return type == WorkType::kRead ? direct.read(local, local_count, remote, remote_count)
                                 : direct.write(local, local_count, remote, remote_count);
}

int move_part(Peer& peer, const RemoteWork& work, const CheckedTargets& targets, std::uint64_t begin,
              std::uint64_t end) noexcept {
  while (begin < end) {
    const std::ptrdiff_t moved = copy_part(*peer.direct, work, targets, begin, end);
    if (out_of_reach(moved)) {
      ANCHOR_INFO(kEndpoint, "memory of %s cannot be reached directly (errno %td): its bytes go through the FIFO",
                  peer.name.bytes.data(), -moved);
      peer.direct.reset();
      return -EAGAIN;
    }
    if (moved <= 0) return moved == 0 ? -EFAULT : static_cast<int>(moved);
    begin += static_cast<std::uint64_t>(moved);
  }
  return 0;
}

int move_directly(Peer& peer, const RemoteWork& work, const CheckedTargets& targets) noexcept {
  return move_part(peer, work, targets, 0, work.base.length);
}

}  // namespace anchor
