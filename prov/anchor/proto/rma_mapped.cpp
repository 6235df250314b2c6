// SPDX-License-Identifier: BSD-2-Clause
// Moving bytes by loads and stores: the peer's memory is mapped here, too (mapped_rows.h).
//
// Order: nothing is moved while anything of the peer is unanswered, as with direct copies; what comes later is carried
// out, or published, by this thread later. So it remains to keep our own loads and stores in order.
#include <atomic>
#include <cerrno>
#include <cstring>

#include "os/gather.h"
#include "os/small_copy.h"
#include "proto/rma.h"

namespace anchor {
namespace {

// Operations that could be carried out at once, but find others in the FIFO, go that way too, so that those who use
// both ways in turn need not wait each time; but not more of them in a row, so that the FIFO gets empty one day.
constexpr std::uint32_t kMostDetours = 32;

// A piece and a segment, the usual case, need not be cut to fit each other.
void move_all(const iovec* from, std::uint32_t from_count, const iovec* to, std::uint32_t to_count,
              std::size_t length) noexcept {
  if (from_count != 1 || to_count != 1) [[unlikely]]
    return move_between(from, to, length);
  if (length <= kSmallCopy) [[likely]]
    return small_copy(to->iov_base, from->iov_base, length);
  std::memcpy(to->iov_base, from->iov_base, length);
}

}  // namespace

bool find_mapped(Peer& peer, const RemoteWork& work, CheckedTargets* checked) noexcept {
  if (work.base.length == 0) return false;
  const bool to_write = work.base.type == WorkType::kWrite;
  std::byte* found[kMaxSegments * kMaxRegionRows];
  for (std::uint32_t i = 0; i < checked->count; ++i) {
    if (checked->rows[i].place != 0) [[unlikely]] {
      found[i] = place_in_device(peer, checked->rows[i], checked->list[i]);
    } else {
      if (peer.mapped == nullptr) return false;
      found[i] = peer.mapped->find(*peer.direct, checked->rows[i], checked->list[i], to_write);
    }
    if (found[i] == nullptr) return false;
  }
  for (std::uint32_t i = 0; i < checked->count; ++i) checked->list[i].iov_base = found[i];
  checked->mapped = true;
  return true;
}

bool may_detour(Peer& peer) noexcept { return ++peer.detours <= kMostDetours; }

int move_mapped(Peer& peer, const RemoteWork& work, const CheckedTargets& targets) noexcept {
  peer.detours = 0;
  if (peer.distant()) [[unlikely]]
    return store_placed(peer, work, targets);
  if (work.base.type == WorkType::kWrite) {
    // R9, paired with A9, or with the acquire of the target's own program: else it could see this write and not the one
    // before. A fence, because it orders plain bytes. Keeps write after read, too.
    std::atomic_thread_fence(std::memory_order_release);
    move_all(work.base.segments, work.base.segment_count, targets.list, targets.count, work.base.length);
    peer.wrote_mapped = true;
  } else {
    // Read after write: a load may overtake the stores before it, so that two initiators that write to one target, and
    // read there what the other one wrote, would both find nothing.
    if (peer.wrote_mapped) std::atomic_thread_fence(std::memory_order_seq_cst);
    peer.wrote_mapped = false;
    move_all(targets.list, targets.count, work.base.segments, work.base.segment_count, work.base.length);
    // A9, paired with R9: else the next read could find older bytes than this one.
    std::atomic_thread_fence(std::memory_order_acquire);
  }
  if (peer.mapped != nullptr && peer.mapped->lost()) return -EFAULT;
  return peer.region->intact() ? 0 : -EFAULT;
}

}  // namespace anchor
