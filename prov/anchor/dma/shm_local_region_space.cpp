// SPDX-License-Identifier: BSD-2-Clause
// Blocks of a region on the shm device: the file grows in steps, and what was released is used again.
#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <new>

#include "dma/shm_local_region.h"
#include "os/cacheline.h"
#include "os/log.h"

namespace anchor {
namespace {

// Small, since what is reserved is taken from everybody; large enough to spare most blocks a system call.
constexpr std::size_t kGrowthStep = 64 * 1024;

}  // namespace

int ShmLocalRegion::explain_shortage(std::uint64_t bytes, int error) noexcept {
  if (shortage_told_) return -ENOSPC;
  shortage_told_ = true;
  if (error == -EFBIG) {
    ANCHOR_WARN(kEndpoint,
                "%llu bytes more for %s, which has %llu, exceed its limit of %zu or the process's limit on file size "
                "(ulimit -f): raise it",
                static_cast<unsigned long long>(bytes), path_.c_str(), static_cast<unsigned long long>(reserved_),
                size_limit_);
    return -ENOSPC;
  }
  ANCHOR_WARN(kEndpoint,
              "cannot reserve %llu bytes for %s (%s; %llu bytes free there): enlarge that file system (mount -o "
              "remount,size=..., or a container's --shm-size) or remove files from it",
              static_cast<unsigned long long>(bytes), path_.c_str(), std::strerror(-error),
              static_cast<unsigned long long>(free_space(file_.get())));
  return -ENOSPC;
}

// Reserves at least `bytes` beyond what is used; a whole step if there is room for one.
int ShmLocalRegion::grow(std::size_t bytes) noexcept {
  if (bytes > size_limit_ - used_) return explain_shortage(bytes, -EFBIG);
  const std::uint64_t needed = used_ + bytes;
  if (needed <= reserved_) return 0;
  const std::uint64_t generous = std::min<std::uint64_t>(round_up(needed, kGrowthStep), size_limit_);
  std::uint64_t end = generous;
  int error = reserve_file(file_.get(), reserved_, end - reserved_);
  if (error != 0 && needed < generous) {
    end = needed;
    error = reserve_file(file_.get(), reserved_, end - reserved_);
  }
  if (error != 0) return explain_shortage(end - reserved_, error);
  reserved_ = end;
  shortage_told_ = false;
  return 0;
}

// Zeroed only now: until it was released a peer may have written to it, and a dying one perhaps a little longer.
bool ShmLocalRegion::take_released(std::size_t bytes, std::uint64_t* offset) noexcept {
  const auto found =
      std::find_if(released_.rbegin(), released_.rend(), [bytes](const Block& block) { return block.bytes == bytes; });
  if (found == released_.rend()) return false;
  *offset = found->offset;
  *found = released_.back();
  released_.pop_back();
  std::memset(base_ + *offset, 0, bytes);
  return true;
}

// The list of released blocks gets its room here, where failing is allowed: release() cannot fail.
int ShmLocalRegion::carve(std::size_t bytes, std::uint64_t* offset) noexcept {
  try {
    if (released_.capacity() <= blocks_) released_.reserve(2 * blocks_ + 8);
  } catch (const std::bad_alloc&) {
    return -ENOMEM;
  }
  if (const int error = grow(bytes); error != 0) return error;
  ++blocks_;
  *offset = used_;
  used_ += bytes;
  return 0;
}

int ShmLocalRegion::allocate(std::size_t bytes, std::uint64_t* offset, std::byte** address) noexcept {
  assert(bytes != 0 && bytes % kPageSize == 0);
  if (!intact()) return -EIO;
  const std::lock_guard guard(space_);
  std::uint64_t start = 0;
  if (!take_released(bytes, &start)) {
    if (const int error = carve(bytes, &start); error != 0) return error;
  }
  *offset = start;
  *address = base_ + start;
  return 0;
}

void ShmLocalRegion::release(std::uint64_t offset, std::size_t bytes) noexcept {
  const std::lock_guard guard(space_);
  assert(offset + bytes <= used_ && released_.size() < blocks_);
  released_.push_back({offset, bytes});
}

}  // namespace anchor
