// SPDX-License-Identifier: BSD-2-Clause
//
// The benchmark's clock: the processor's time-stamp counter where it is readable, because a system clock
// costs as much as the exchange it would measure. Stateless apart from a once-calibrated rate; any thread.
#pragma once

#include <chrono>
#include <cstdint>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace anchor::bench {

inline std::uint64_t steady_nanoseconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

// Not serialising on purpose: about 10 ns, and an error of a few instructions does not matter in a stamp
// that is taken once a round trip.
inline std::uint64_t ticks() {
#if defined(__x86_64__)
  return __rdtsc();
#elif defined(__aarch64__)
  std::uint64_t value;
  asm volatile("mrs %0, cntvct_el0" : "=r"(value));
  return value;
#else
  return steady_nanoseconds();
#endif
}

inline void relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Calibrated against the steady clock on first use, for about 5 ms.
double nanoseconds_per_tick();

}  // namespace anchor::bench
