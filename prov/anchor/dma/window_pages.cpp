// SPDX-License-Identifier: BSD-2-Clause
#include "dma/window_pages.h"

#include <algorithm>
#include <cerrno>

#include "os/cacheline.h"

namespace anchor {

void WindowPages::open(PageOwner* owners, std::uint64_t first, std::uint64_t end) noexcept {
  owners_ = owners;
  first_ = first;
  end_ = end;
}

// A16: what we store there comes after what others did.
bool WindowPages::take(std::uint64_t first, std::uint64_t count, PageOwner::value_type owner) noexcept {
  for (std::uint64_t page = first; page < first + count; ++page) {
    PageOwner::value_type nobody = 0;
    if (owners_[page].compare_exchange_strong(nobody, owner, std::memory_order_acquire, std::memory_order_relaxed))
      continue;
    while (page-- > first) owners_[page].store(0, std::memory_order_release);
    return false;
  }
  return true;
}

int WindowPages::claim(std::uint32_t slot, std::size_t bytes, std::uint64_t* offset) noexcept {
  const std::uint64_t count = bytes / kPageSize;
  const std::uint64_t range = end_ - first_;
  std::uint64_t run = 0;
  std::uint64_t page = first_ + next_.load(std::memory_order_relaxed) % range;
  for (std::uint64_t looked = 0; looked < range + count; ++looked, ++page) {
    if (page == end_) page = first_, run = 0;
    run = owners_[page].load(std::memory_order_relaxed) == 0 ? run + 1 : 0;
    if (run < count) continue;
    const std::uint64_t first = page + 1 - count;
    run = 0;
    if (!take(first, count, static_cast<PageOwner::value_type>(slot + 1))) continue;
    next_.store(page + 1 - first_, std::memory_order_relaxed);
    *offset = first * kPageSize;
    return 0;
  }
  return -ENOSPC;
}

// R16, as in release_all_of(); see take().
void WindowPages::release(std::uint64_t offset, std::size_t bytes) noexcept {
  for (std::uint64_t page = offset / kPageSize; page < (offset + bytes) / kPageSize; ++page)
    owners_[page].store(0, std::memory_order_release);
}

void WindowPages::release_all_of(std::uint32_t slot) noexcept {
  for (std::uint64_t page = first_; page < end_; ++page)
    if (owners_[page].load(std::memory_order_relaxed) == slot + 1) owners_[page].store(0, std::memory_order_release);
}

WindowPages::Room WindowPages::room() const noexcept {
  std::uint64_t count = 0, run = 0, longest = 0;
  for (std::uint64_t page = first_; page < end_; ++page) {
    const bool is_free = owners_[page].load(std::memory_order_relaxed) == 0;
    count += is_free;
    run = is_free ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return {count * kPageSize, longest * kPageSize};
}

}  // namespace anchor
