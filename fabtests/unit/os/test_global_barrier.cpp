// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <atomic>
#include <thread>

#include "os/global_barrier.h"

using namespace anchor;

Test(global_barrier, who_is_reached_may_call_it) { cr_assert_eq(reached_by_global_barriers(), global_barrier()); }

// Of two that store and then look at what the other stored, one sees it, though only one has a barrier in between.
Test(global_barrier, orders_another_threads_store_before_its_load) {
  if (!reached_by_global_barriers()) return;
  constexpr int kRounds = 20'000;
  std::atomic<int> round{0}, done{0};
  std::atomic<int> mine{0}, theirs{0}, seen_by_other{0};
  std::thread other([&] {
    for (int i = 1; i <= kRounds; ++i) {
      while (round.load(std::memory_order_acquire) != i) {
      }
      theirs.store(i, std::memory_order_relaxed);
      std::atomic_signal_fence(std::memory_order_seq_cst);
      seen_by_other.store(mine.load(std::memory_order_relaxed), std::memory_order_relaxed);
      done.store(i, std::memory_order_release);
    }
  });
  int missed = 0;
  for (int i = 1; i <= kRounds; ++i) {
    round.store(i, std::memory_order_release);
    mine.store(i, std::memory_order_relaxed);
    global_barrier();
    const int seen = theirs.load(std::memory_order_relaxed);
    while (done.load(std::memory_order_acquire) != i) {
    }
    missed += seen != i && seen_by_other.load(std::memory_order_relaxed) != i;
  }
  other.join();
  cr_assert_eq(missed, 0);
}
