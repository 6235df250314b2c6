// SPDX-License-Identifier: BSD-2-Clause
// A completion counter: successes and failures (fi_cntr(3)).
//
// Lock-free and thread-safe: each of the two values is one atomic word.
#pragma once

#include <atomic>
#include <cstdint>

namespace anchor {

class Counter {
 public:
  void add(std::uint64_t amount = 1) noexcept { value_.fetch_add(amount, std::memory_order_release); }
  void add_error(std::uint64_t amount = 1) noexcept { errors_.fetch_add(amount, std::memory_order_release); }
  void set(std::uint64_t value) noexcept { value_.store(value, std::memory_order_release); }
  void set_error(std::uint64_t value) noexcept { errors_.store(value, std::memory_order_release); }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_acquire); }
  std::uint64_t errors() const noexcept { return errors_.load(std::memory_order_acquire); }

 private:
  std::atomic<std::uint64_t> value_{0};
  std::atomic<std::uint64_t> errors_{0};
};

}  // namespace anchor
