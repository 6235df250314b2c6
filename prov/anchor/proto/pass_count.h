// SPDX-License-Identifier: BSD-2-Clause
// How many operations have begun since the last pass: what an application does in a row, without looking for progress.
#pragma once

#include <cstdint>

namespace anchor {

class PassCount {
 public:
  // Another one, in that pass (Exchange::passes). Passes since the one before.
  std::uint32_t add(std::uint32_t pass) noexcept {
    const std::uint32_t passes = pass - pass_;
    if (passes != 0) count_ = 0;
    pass_ = pass;
    ++count_;
    return passes;
  }
  // Those before the last one do not count.
  void begin_anew() noexcept { count_ = 1; }
  std::uint32_t count() const noexcept { return count_; }

 private:
  std::uint32_t pass_ = 0;
  std::uint32_t count_ = 0;
};

}  // namespace anchor
