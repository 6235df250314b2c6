// SPDX-License-Identifier: BSD-2-Clause
#include "os/memory_probe.h"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

namespace anchor {
namespace {

// "Add nothing to the word, and wake nobody": the kernel adds in user memory as it does for a mutex of the C library's,
// and says so if it cannot (futex(2), FUTEX_WAKE_OP).
bool can_write(void* word) noexcept {
  static std::uint32_t unused = 0;
  constexpr int kAddNothing = FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, 0);
  return ::syscall(SYS_futex, &unused, FUTEX_WAKE_OP_PRIVATE, 0, nullptr, word, kAddNothing) >= 0 || errno != EFAULT;
}

// "Wait while the word has this value, for no time": it is read.
bool can_read(void* word) noexcept {
  constexpr timespec kNoTime{0, 0};
  return ::syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 0, &kNoTime, nullptr, 0) >= 0 || errno != EFAULT;
}

// All pages at one go: they are about to be touched anyway, so that bringing them in costs nothing. False: one of them
// cannot be touched, or the kernel (before 5.14) or this kind of memory does not know such a thing.
bool can_populate(std::uintptr_t first, std::size_t pages, unsigned page_bits, MemoryProbe::Touch touch) noexcept {
#if defined(MADV_POPULATE_READ) && defined(MADV_POPULATE_WRITE)
  const int advice = touch == MemoryProbe::Touch::kWrite ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;
#else
  const int advice = touch == MemoryProbe::Touch::kWrite ? 23 : 22;
#endif
  const int interrupted_errno = errno;
  const bool can = ::madvise(reinterpret_cast<void*>(first << page_bits), pages << page_bits, advice) == 0;
  errno = interrupted_errno;
  return can;
}

}  // namespace

bool MemoryProbe::populate(std::uintptr_t first, std::size_t pages, Touch touch) noexcept {
  return can_populate(first, pages, kPageBits, touch);
}

bool MemoryProbe::learn(std::uintptr_t page, Touch touch, std::uint64_t now) noexcept {
  const int interrupted_errno = errno;
  auto* word = reinterpret_cast<void*>(page << kPageBits);
  const bool can = touch == Touch::kWrite ? can_write(word) : can_read(word);
  errno = interrupted_errno;
  if (!can) return false;
  Entry& entry = entries_[page % kEntries];
  if (entry.page != page || entry.tick != now) entry = {page, now, 0};
  entry.touches = static_cast<std::uint8_t>(entry.touches | static_cast<std::uint8_t>(touch) |
                                            (touch == Touch::kWrite ? static_cast<std::uint8_t>(Touch::kRead) : 0));
  return true;
}

}  // namespace anchor
