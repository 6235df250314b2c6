// SPDX-License-Identifier: BSD-2-Clause
// The processes of one host that have the window open, or rather domains, as they share it: which remote slots each
// still uses, and whether it can ring. Whoever holds the locked byte of a row owns it; the kernel gives the byte back
// when its process dies, and what the row says then counts no more. Thread-safe once open.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "dma/window_layout.h"
#include "os/process_fd.h"

namespace anchor {

inline constexpr std::uint32_t kUserRows = 256;

struct UserRow {
  std::atomic<std::uint64_t> taken;  // ever: `held` was cleared by its first owner
  std::atomic<std::uint64_t> mute;   // 1: it has endpoints, and cannot ring other hosts
  WindowWord held[kMaxWindowHosts][kHeldWords];
};

class WindowUsers {
 public:
  // Once. Takes a row: its byte, the first of them `first_byte`, is kept by `locks`. Both must outlive this. -ENFILE,
  // with a warning: all are taken.
  int open(UserRow (&rows)[kUserRows], const ProcessFd& locks, std::uint64_t first_byte) noexcept;

  // Living ones, this one included.
  unsigned count() const noexcept;

  // We say that we use a slot of some host's, so that nobody else gets that memory.
  void hold(std::uint32_t host, std::uint32_t slot) noexcept;
  void let_go(std::uint32_t host, std::uint32_t slot) noexcept;
  // All that living processes hold of a host's slots.
  void held_of(std::uint32_t host, std::uint64_t (&held)[kHeldWords]) const noexcept;

  // Whether we have endpoints and cannot ring, and whether nobody is like that.
  void set_mute(bool mute) noexcept;
  bool all_ring() const noexcept;

 private:
  bool lives(std::uint32_t row) const noexcept;

  UserRow* rows_ = nullptr;
  const ProcessFd* locks_ = nullptr;
  std::uint64_t first_byte_ = 0;
  std::uint32_t row_ = 0;  // ours
  std::mutex holding_;     // for counts_
  std::uint32_t counts_[kMaxWindowHosts][kOwningSlots] = {};
};

}  // namespace anchor
