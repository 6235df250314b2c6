// SPDX-License-Identifier: BSD-2-Clause
#include "dma/window_users.h"

#include <algorithm>
#include <cerrno>

#include "os/file_lock.h"
#include "os/log.h"

namespace anchor {

int WindowUsers::open(UserRow (&rows)[kUserRows], const ProcessFd& locks, std::uint64_t first_byte) noexcept {
  rows_ = rows;
  locks_ = &locks;
  first_byte_ = first_byte;
  for (row_ = 0; row_ < kUserRows; ++row_) {
    if (try_lock_byte(locks.get(), first_byte + row_) != 0) continue;
    UserRow& own = rows[row_];
    for (auto& host : own.held)
      for (WindowWord& word : host) word.store(0, std::memory_order_relaxed);
    own.mute.store(0, std::memory_order_relaxed);
    own.taken.store(1, std::memory_order_release);
    return 0;
  }
  ANCHOR_WARN(kDomain, "%u domains of this host have the window open: no more", kUserRows);
  return -ENFILE;
}

// Whoever died, or closed the window, has left its row as it was: it is cleared by who gets it next.
bool WindowUsers::lives(std::uint32_t row) const noexcept {
  return row == row_ || byte_locked(locks_->get(), first_byte_ + row) != 0;
}

unsigned WindowUsers::count() const noexcept {
  unsigned count = 0;
  for (std::uint32_t row = 0; row < kUserRows; ++row) count += lives(row);
  return count;
}

void WindowUsers::hold(std::uint32_t host, std::uint32_t slot) noexcept {
  const std::lock_guard guard(holding_);
  if (counts_[host][slot]++ != 0) return;
  // seq_cst: the bit must be there before the caller looks whether the slot's owner lives.
  rows_[row_].held[host][slot / 64].fetch_or(std::uint64_t{1} << slot % 64, std::memory_order_seq_cst);
}

void WindowUsers::let_go(std::uint32_t host, std::uint32_t slot) noexcept {
  const std::lock_guard guard(holding_);
  if (--counts_[host][slot] != 0) return;
  // R15, see held_of(): what was stored through the mapping comes before.
  rows_[row_].held[host][slot / 64].fetch_and(~(std::uint64_t{1} << slot % 64), std::memory_order_release);
}

void WindowUsers::held_of(std::uint32_t host, std::uint64_t (&held)[kHeldWords]) const noexcept {
  std::fill_n(held, kHeldWords, 0);
  for (std::uint32_t row = 0; row < kUserRows; ++row) {
    const UserRow& user = rows_[row];
    if (user.taken.load(std::memory_order_acquire) == 0 || !lives(row)) continue;
    for (std::size_t word = 0; word < kHeldWords; ++word)
      held[word] |= user.held[host][word].load(std::memory_order_seq_cst);  // A15, and the other half of hold()
  }
}

// Relaxed, here and below: a word that is late costs a look that comes late.
void WindowUsers::set_mute(bool mute) noexcept { rows_[row_].mute.store(mute, std::memory_order_relaxed); }

bool WindowUsers::all_ring() const noexcept {
  for (std::uint32_t row = 0; row < kUserRows; ++row) {
    const UserRow& user = rows_[row];
    if (user.taken.load(std::memory_order_acquire) == 0 || user.mute.load(std::memory_order_relaxed) == 0) continue;
    if (lives(row)) return false;
  }
  return true;
}

}  // namespace anchor
