// SPDX-License-Identifier: BSD-2-Clause
// Writing to memory that a peer on another host has from its device: plain stores into the window, checked here, by the
// rows of its table that we keep a copy of. Its processor has nothing to do with it. Reads are left to it: nobody reads
// another host's memory, one by one.
//
// Order: as with mapped memory (rma_mapped.cpp), of which this is the distant kind.
#include <algorithm>
#include <cerrno>
#include <new>

#include "proto/rma.h"

namespace anchor {
namespace {

// What is needed of a peer whose table says that there is something to be found in it.
bool keep_copy(Peer& peer) noexcept {
  if (peer.copied != nullptr) [[likely]]
    return true;
  if (peer.contents.protection_offset == 0 || !open_table(peer)) return false;
  peer.copied.reset(new (std::nothrow) ProtectionCopy(*peer.protection));
  return peer.copied != nullptr;
}

// What is left of a list of segments.
class Rest {
 public:
  explicit Rest(const iovec* segments) noexcept : segment_(segments) {}
  std::byte* at() const noexcept { return static_cast<std::byte*>(segment_->iov_base) + done_; }
  std::size_t length() const noexcept { return segment_->iov_len - done_; }
  void advance(std::size_t bytes) noexcept {
    done_ += bytes;
    if (done_ == segment_->iov_len) ++segment_, done_ = 0;
  }

 private:
  const iovec* segment_;
  std::size_t done_ = 0;
};

}  // namespace

std::byte* place_in_device(Peer& peer, const ProtectedRow& row, const iovec& piece) noexcept {
  const std::uint64_t skip = reinterpret_cast<std::uint64_t>(piece.iov_base) - row.address;
  return peer.region->placed(row.place, skip, piece.iov_len);
}

bool find_placed(Peer& peer, const RemoteWork& work, CheckedTargets* checked) noexcept {
  if (work.base.type != WorkType::kWrite || work.base.length == 0) return false;
  if (peer.channel->table_changes() == 0) [[likely]]
    return false;
  // What our copy refuses, the peer refuses, and says why.
  if (!keep_copy(peer) || check_targets(peer, work, checked) != 0) return false;
  for (std::uint32_t i = 0; i < checked->count; ++i) {
    const ProtectedRow& row = checked->rows[i];
    std::byte* const here = row.place == 0 ? nullptr : place_in_device(peer, row, checked->list[i]);
    if (here == nullptr) return false;
    checked->list[i].iov_base = here;
  }
  checked->mapped = true;
  return true;
}

int store_placed(Peer& peer, const RemoteWork& work, const CheckedTargets& targets) noexcept {
  Rest from(work.base.segments), to(targets.list);
  for (std::uint64_t left = work.base.length; left != 0;) {
    const std::size_t bytes = std::min(from.length(), to.length());
    if (bytes != 0) peer.channel->store(to.at(), from.at(), bytes);
    from.advance(bytes);
    to.advance(bytes);
    left -= bytes;
  }
  return peer.region->intact() ? 0 : -EFAULT;
}

}  // namespace anchor
