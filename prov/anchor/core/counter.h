// SPDX-License-Identifier: BSD-2-Clause
// A completion counter: successes and failures (fi_cntr(3)).
//
// Lock-free and thread-safe: each of the two values is one atomic word.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/wake_source.h"

namespace anchor {

class Counter final : public WakeSource {
 public:
  void add(std::uint64_t amount = 1) noexcept {
    value_.fetch_add(amount, std::memory_order_seq_cst);
    wake_sleeper();
  }
  void add_error(std::uint64_t amount = 1) noexcept {
    errors_.fetch_add(amount, std::memory_order_seq_cst);
    wake_sleeper();
  }
  void set(std::uint64_t value) noexcept {
    value_.store(value, std::memory_order_seq_cst);
    wake_sleeper();
  }
  void set_error(std::uint64_t value) noexcept {
    errors_.store(value, std::memory_order_seq_cst);
    wake_sleeper();
  }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_seq_cst); }
  std::uint64_t errors() const noexcept { return errors_.load(std::memory_order_seq_cst); }

  void arm(WaitFd& wake) noexcept override { wake_.store(&wake, std::memory_order_seq_cst); }
  void disarm() noexcept override { wake_.store(nullptr, std::memory_order_relaxed); }

 private:
  // Sequentially consistent, here and above: who adds stores a value and then looks for a sleeper, who goes to sleep
  // stores itself and then looks at the value. One of the two sees the other.
  void wake_sleeper() noexcept {
    if (wake_.load(std::memory_order_seq_cst) != nullptr) [[unlikely]]
      if (WaitFd* wake = wake_.exchange(nullptr, std::memory_order_acq_rel)) wake->signal();
  }

  std::atomic<std::uint64_t> value_{0};
  std::atomic<std::uint64_t> errors_{0};
  std::atomic<WaitFd*> wake_{nullptr};
};

}  // namespace anchor
