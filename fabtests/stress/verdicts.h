// SPDX-License-Identifier: BSD-2-Clause
// What the standalone programs say about their cases: TAP lines, and an exit status. Criterion does not run under
// ThreadSanitizer, so these programs use nothing but this.
//
// expect() may be called from any thread; run() by the main thread only.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace anchor::stress {

// FABTESTS_TIME_SCALE: a factor on all limits, for sanitizers and crowded machines.
inline double time_scale() noexcept {
  const char* text = std::getenv("FABTESTS_TIME_SCALE");
  const double scale = text != nullptr ? std::atof(text) : 1.0;
  return scale > 0 ? scale : 1.0;
}

class Deadline {
 public:
  explicit Deadline(double seconds) noexcept
      : end_(std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds * time_scale())) {}
  bool expired() const noexcept { return std::chrono::steady_clock::now() >= end_; }

 private:
  const std::chrono::time_point<std::chrono::steady_clock, std::chrono::duration<double>> end_;
};

class Verdicts {
 public:
  template <class Case>
  void run(const char* name, Case&& body) {
    const unsigned before = failures_;
    body();
    std::printf("%s %u - %s\n", failures_ == before ? "ok" : "not ok", ++cases_, name);
    std::fflush(stdout);
  }

  // Prints the plan; the program's exit status.
  int finish() noexcept {
    std::printf("1..%u\n", cases_);
    return failures_ == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
  }

  // For a forked part of a case: its exit status, after what it had to tell.
  static int exit_status() noexcept {
    std::fflush(stdout);
    return failures_ == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
  }

  static bool expect(bool holds, const char* what, long long value = 0) noexcept {
    if (holds) return true;
    // The first few say what is wrong; a flood of them says no more.
    if (failures_.fetch_add(1) < kToldFailures) std::printf("# failed: %s (%lld)\n", what, value);
    return false;
  }

 private:
  static constexpr unsigned kToldFailures = 20;
  static inline std::atomic<unsigned> failures_{0};
  unsigned cases_ = 0;
};

inline bool expect(bool holds, const char* what, long long value = 0) noexcept {
  return Verdicts::expect(holds, what, value);
}

// The seed of a program: FABTESTS_SEED, or 1. The same seed asks for the same test.
inline unsigned long long seed() noexcept {
  const char* text = std::getenv("FABTESTS_SEED");
  return text != nullptr ? std::strtoull(text, nullptr, 0) : 1;
}

}  // namespace anchor::stress
