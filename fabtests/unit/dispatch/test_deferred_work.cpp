// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <atomic>
#include <cerrno>
#include <thread>
#include <vector>

#include "dispatch/deferred_work.h"

using namespace anchor;

namespace {

// Notes that it was started; answers what it is told to.
class NotedTask final : public DeferredTask {
 public:
  NotedTask(std::vector<int>& order, int number, const Counter& counter, std::uint64_t at) noexcept
      : order_(order), number_(number) {
    trigger = &counter;
    threshold = at;
    name = &order_;
  }
  int start() noexcept override {
    if (refusals != nullptr && *refusals > 0) {
      --*refusals;
      return -EAGAIN;
    }
    order_.push_back(number_);
    return 0;
  }
  int* refusals = nullptr;

 private:
  std::vector<int>& order_;
  const int number_;
};

struct Bench {
  void queue(int number, std::uint64_t at) { queue(number, at, counter); }
  void queue(int number, std::uint64_t at, const Counter& by, int* refusals = nullptr) {
    auto task = std::make_unique<NotedTask>(order, number, by, at);
    task->refusals = refusals;
    work.queue(std::move(task));
  }

  Counter counter, other;
  std::vector<int> order;
  DeferredWork work;
};

}  // namespace

Test(deferred_work, waits_for_its_threshold) {
  Bench bench;
  bench.queue(1, 2);
  cr_assert(bench.work.waiting());
  bench.work.start_due();
  bench.counter.add();
  bench.work.start_due();
  cr_assert(bench.order.empty());
  bench.counter.add_error();  // errors count
  bench.work.start_due();
  cr_assert_eq(bench.order.size(), 1u);
  cr_assert_not(bench.work.waiting());
}

Test(deferred_work, starts_by_threshold_then_by_age) {
  Bench bench;
  bench.queue(3, 2);
  bench.queue(1, 1);
  bench.queue(4, 2);
  bench.queue(2, 1);
  bench.queue(5, 3);
  bench.counter.add(2);
  bench.work.start_due();
  const std::vector<int> expected{1, 2, 3, 4};
  cr_assert(bench.order == expected);
}

Test(deferred_work, one_that_cannot_start_yet_holds_up_those_behind_it_only) {
  Bench bench;
  int refusals = 2;
  bench.queue(1, 1, bench.counter, &refusals);
  bench.queue(2, 1);
  bench.queue(3, 1, bench.other);
  bench.counter.add();
  bench.other.add();
  bench.work.start_due();
  cr_assert_eq(bench.order.front(), 3);
  bench.work.start_due();
  bench.work.start_due();
  const std::vector<int> expected{3, 1, 2};
  cr_assert(bench.order == expected);
}

Test(deferred_work, a_counter_operation_lets_others_start) {
  Bench bench;
  auto add = defer(bench.other, 5, true);
  add->trigger = &bench.counter;
  add->threshold = 1;
  bench.queue(1, 5, bench.other);
  bench.work.queue(std::move(add));
  bench.counter.add();
  bench.work.start_due();
  cr_assert_eq(bench.other.value(), 5u);
  cr_assert_eq(bench.order.size(), 1u);
  auto set = defer(bench.other, 1, false);
  set->trigger = &bench.counter;
  bench.work.queue(std::move(set));
  bench.work.start_due();
  cr_assert_eq(bench.other.value(), 1u);
}

Test(deferred_work, cancel_and_flush) {
  Bench bench;
  bench.queue(1, 1);
  bench.queue(2, 1, bench.other);
  cr_assert_not(bench.work.cancel(&bench));
  bench.work.flush(&bench.other);
  bench.counter.add();
  bench.other.add();
  bench.work.start_due();
  cr_assert_eq(bench.order.size(), 1u);
  bench.queue(3, 9);
  bench.queue(4, 9);
  cr_assert(bench.work.cancel(&bench.order));
  cr_assert_not(bench.work.waiting());
  bench.queue(5, 9, bench.other);
  bench.work.flush(nullptr);
  cr_assert_not(bench.work.waiting());
}

Test(deferred_work, completions_count_and_go) {
  Bench bench;
  auto* success = new DeferredWork::Completion(bench.work, nullptr);
  auto* failure = new DeferredWork::Completion(bench.work, nullptr);
  success->counter = failure->counter = &bench.other;
  success->ended(true);
  failure->ended(false);
  cr_assert_eq(bench.other.value(), 1u);
  cr_assert_eq(bench.other.errors(), 1u);
  (new DeferredWork::Completion(bench.work, nullptr))->ended(true);  // nobody counts
}

// What was started on an endpoint that is gone never ends.
Test(deferred_work, forgets_the_completions_of_an_endpoint) {
  int kept = 0;
  {
    Bench bench;
    const auto* endpoint = reinterpret_cast<const Endpoint*>(&bench);
    struct Note {
      explicit Note(int& count) : count_(++count) {}
      ~Note() { --count_; }
      int& count_;
    };
    auto* first = new DeferredWork::Completion(bench.work, endpoint);
    first->keeps = std::make_shared<Note>(kept);
    auto* second = new DeferredWork::Completion(bench.work, nullptr);
    second->keeps = std::make_shared<Note>(kept);
    bench.work.forget(endpoint);
    cr_assert_eq(kept, 1);
  }
  cr_assert_eq(kept, 0);
}

Test(deferred_work, threads_start_each_task_once) {
  constexpr int kTasks = 2000;
  Bench bench;
  std::vector<std::thread> threads;
  for (int i = 0; i < kTasks; ++i) bench.queue(i, static_cast<std::uint64_t>(i));
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      while (bench.work.waiting()) {
        bench.counter.add();
        bench.work.start_due();
      }
    });
  for (std::thread& thread : threads) thread.join();
  cr_assert_eq(bench.order.size(), static_cast<std::size_t>(kTasks));
  for (int i = 0; i < kTasks; ++i) cr_assert_eq(bench.order[static_cast<std::size_t>(i)], i);
}

Test(deferred_work, what_falls_due_while_another_is_cancelled_is_started, .timeout = 60) {
  Bench bench;
  std::atomic<bool> ends{false};
  std::thread canceller([&] {
    while (!ends) bench.work.cancel(&bench.other);
  });
  Counter counted;
  for (std::uint64_t round = 1; round <= 20'000; ++round) {
    auto task = defer(counted, 1, true);
    task->trigger = &bench.counter;
    task->threshold = round;
    bench.work.queue(std::move(task));
    bench.counter.add();
    bench.work.start_due();
    // By whom is not said, but nobody asks for it again.
    while (counted.value() != round) std::this_thread::yield();
  }
  ends = true;
  canceller.join();
}
