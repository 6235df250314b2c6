// SPDX-License-Identifier: BSD-2-Clause
// Whether memory of our own can be touched: what was registered may since have been unmapped, or never have been there
// (a region may be all addresses), and a peer's mistake must not end this process.
//
// The kernel is asked, by a system call that touches a word of each page and changes nothing. As that costs up to a
// microsecond, its answer holds for a tick of the coarse clock (some milliseconds): memory that is unmapped while peers
// use it can still end the process during that time. Not thread-safe.
#pragma once

#include <sys/uio.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "os/clock.h"

namespace anchor {

class MemoryProbe {
 public:
  enum class Touch : std::uint8_t { kRead = 1, kWrite = 2 };

  // 0, or -EFAULT.
  int check(const void* address, std::size_t length, Touch touch) noexcept {
    const std::uintptr_t first = reinterpret_cast<std::uintptr_t>(address);
    if (length == 0) return 0;
    const std::uintptr_t last = first + (length - 1);
    if (last < first) return -EFAULT;
    const std::size_t pages = (last >> kPageBits) - (first >> kPageBits) + 1;
    if (pages > kSinglePages && populate(first >> kPageBits, pages, touch)) return 0;
    const std::uint64_t now = coarse_tick();
    for (std::uintptr_t page = first >> kPageBits; page <= last >> kPageBits; ++page)
      if (!known(page, touch, now) && !learn(page, touch, now)) return -EFAULT;
    return 0;
  }
  int check_all(const iovec* pieces, std::size_t count, Touch touch) noexcept {
    for (std::size_t i = 0; i < count; ++i)
      if (const int error = check(pieces[i].iov_base, pieces[i].iov_len, touch)) return error;
    return 0;
  }

 private:
  static constexpr unsigned kPageBits = 12;  // at most a page of the machine's
  static constexpr std::size_t kEntries = 64;

  struct Entry {
    std::uintptr_t page = ~std::uintptr_t{0};
    std::uint64_t tick = 0;
    std::uint8_t touches = 0;
  };

  // More are looked at by one system call.
  static constexpr std::size_t kSinglePages = 8;

  bool known(std::uintptr_t page, Touch touch, std::uint64_t now) const noexcept {
    const Entry& entry = entries_[page % kEntries];
    return entry.page == page && entry.tick == now && (entry.touches & static_cast<std::uint8_t>(touch)) != 0;
  }
  static bool populate(std::uintptr_t first, std::size_t pages, Touch touch) noexcept;
  bool learn(std::uintptr_t page, Touch touch, std::uint64_t now) noexcept;

  Entry entries_[kEntries];
};

}  // namespace anchor
