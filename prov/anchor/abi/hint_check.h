// SPDX-License-Identifier: BSD-2-Clause
// The few ways a hint is compared with an offer, each with its line in the log. True: served.
#pragma once

#include <cstdint>

#include "os/log.h"

namespace anchor {

// "Not beyond": zero leaves it open.
inline bool within(const char* hint, std::uint64_t wanted, std::uint64_t offered) noexcept {
  if (wanted <= offered) return true;
  ANCHOR_INFO(kCore, "hint %s: %llu wanted, at most %llu offered", hint, static_cast<unsigned long long>(wanted),
              static_cast<unsigned long long>(offered));
  return false;
}

// "No bit that is not offered".
inline bool subset(const char* hint, std::uint64_t wanted, std::uint64_t offered) noexcept {
  if ((wanted & ~offered) == 0) return true;
  ANCHOR_INFO(kCore, "hint %s: %#llx wanted, not served of it: %#llx", hint, static_cast<unsigned long long>(wanted),
              static_cast<unsigned long long>(wanted & ~offered));
  return false;
}

// "This or whatever": zero leaves it open.
inline bool equal(const char* hint, std::uint64_t wanted, std::uint64_t offered) noexcept {
  if (wanted == 0 || wanted == offered) return true;
  ANCHOR_INFO(kCore, "hint %s: %llu wanted, %llu offered", hint, static_cast<unsigned long long>(wanted),
              static_cast<unsigned long long>(offered));
  return false;
}

}  // namespace anchor
