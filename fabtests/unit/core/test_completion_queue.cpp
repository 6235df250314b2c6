// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <array>
#include <cstdint>
#include <deque>
#include <new>
#include <random>
#include <thread>
#include <vector>

#include "core/completion_queue.h"

using namespace anchor;

namespace {

Completion numbered(std::uint64_t number) {
  return {.context = nullptr, .flags = 0, .length = 0, .buffer = nullptr, .data = number, .tag = ~number, .source = 0};
}

CompletionError failed(std::uint64_t number) {
  return {
      .completion = numbered(number), .overflow_length = 3, .error = ECANCELED, .provider_error = 0, .source_name = {}};
}

std::vector<std::uint64_t> read_all(CompletionQueue& queue, std::size_t at_once) {
  std::vector<std::uint64_t> numbers;
  std::ptrdiff_t taken = 0;
  do {
    taken = queue.read(at_once, [&, before = numbers.size()](const Completion& one, std::size_t position) {
      cr_assert_eq(numbers.size(), before + position);
      cr_assert_eq(one.tag, ~one.data);
      numbers.push_back(one.data);
    });
  } while (taken > 0);
  return numbers;
}

std::ptrdiff_t read_one(CompletionQueue& queue) {
  return queue.read(1, [](const Completion&, std::size_t) {});
}

}  // namespace

Test(completion_queue, empty_says_again) {
  CompletionQueue queue(4, true);
  CompletionError error;
  cr_assert_eq(read_one(queue), -EAGAIN);
  cr_assert_eq(queue.read_error(&error), -EAGAIN);
  cr_assert_not(queue.full());
}

Test(completion_queue, takes_at_once_what_nobody_else_can_interfere_with) {
  CompletionQueue queue(2, false), shared(2, true);
  cr_assert_not(shared.takes_at_once(), "there is a lock");
  cr_assert(queue.takes_at_once());
  queue.push_at_once(numbered(0));
  queue.push(numbered(1));
  cr_assert_not(queue.takes_at_once(), "it is full");
  cr_assert_eq(read_one(queue), 1);
  cr_assert(queue.takes_at_once());
  WaitFd wake;
  cr_assert_eq(wake.open(), 0);
  queue.arm(wake);
  cr_assert_not(queue.takes_at_once(), "somebody is to be woken");
  queue.push(numbered(2));
  cr_assert(wake.signalled());
  queue.disarm();
  cr_assert_not(queue.takes_at_once());
  cr_assert_eq(read_all(queue, 5), std::vector<std::uint64_t>({1, 2}));
  cr_assert(queue.takes_at_once());
}

Test(completion_queue, hands_out_in_order_and_at_most_what_was_asked_for) {
  CompletionQueue queue(8, false);
  for (unsigned i = 0; i < 5; ++i) queue.push(numbered(i));
  std::size_t emitted = 0;
  const auto count = [&](const Completion& one, std::size_t position) {
    cr_assert_eq(one.data, position);
    ++emitted;
  };
  cr_assert_eq(queue.read(0, count), 0);
  cr_assert_eq(queue.read(3, count), 3);
  cr_assert_eq(emitted, 3u);
  cr_assert(read_all(queue, 100) == std::vector<std::uint64_t>({3, 4}));
}

Test(completion_queue, is_full_at_its_capacity_and_keeps_what_comes_beyond) {
  for (std::size_t capacity : {1, 3, 4, 5}) {
    CompletionQueue queue(capacity, false);
    cr_assert_eq(queue.capacity(), capacity);
    for (unsigned i = 0; i < 20; ++i) {
      cr_assert_eq(queue.full(), i >= capacity);
      queue.push(numbered(i));
    }
    for (unsigned i = 0; i < 20; ++i) {
      cr_assert_eq(queue.full(), 20 - i >= capacity, "%u read of a capacity of %zu", i, capacity);
      cr_assert_eq(queue.read(1, [&](const Completion& one, std::size_t) { cr_assert_eq(one.data, i); }), 1);
    }
    cr_assert_eq(read_one(queue), -EAGAIN);
  }
}

Test(completion_queue, a_capacity_of_zero_holds_one) {
  CompletionQueue queue(0, false);
  cr_assert_not(queue.full());
  queue.push(numbered(1));
  cr_assert(queue.full());
}

Test(completion_queue, no_memory_holds_any_capacity) {
  for (const std::size_t capacity : {SIZE_MAX, SIZE_MAX / 2 + 2, SIZE_MAX / sizeof(Completion)})
    cr_assert_throw(CompletionQueue(capacity, false), std::bad_alloc);
}

Test(completion_queue, errors_stand_in_order_between_entries) {
  CompletionQueue queue(2, false);
  CompletionError error{};
  queue.push_error(failed(0));
  queue.push(numbered(1));
  queue.push(numbered(2));
  queue.push(numbered(3));  // overflow
  queue.push_error(failed(4));
  queue.push_error(failed(5));
  queue.push(numbered(6));

  cr_assert_eq(read_one(queue), -kErrorAvailable);
  cr_assert_eq(queue.read(0, [](const Completion&, std::size_t) {}), -kErrorAvailable);
  cr_assert_eq(queue.read_error(&error), 0);
  cr_assert_eq(error.completion.data, 0u);
  cr_assert_eq(error.error, ECANCELED);
  cr_assert_eq(error.overflow_length, 3u);
  cr_assert_eq(queue.read_error(&error), -EAGAIN);
  cr_assert(read_all(queue, 2) == std::vector<std::uint64_t>({1, 2, 3}));
  for (std::uint64_t expected : {4, 5}) {
    cr_assert_eq(read_one(queue), -kErrorAvailable);
    cr_assert_eq(queue.read_error(&error), 0);
    cr_assert_eq(error.completion.data, expected);
  }
  cr_assert(read_all(queue, 2) == std::vector<std::uint64_t>({6}));
}

Test(completion_queue, random_use_loses_and_swaps_nothing) {
  std::mt19937 random(5);
  for (unsigned round = 0; round < 50; ++round) {
    CompletionQueue queue(1 + random() % 9, round % 2 == 0);
    std::deque<std::pair<std::uint64_t, bool>> expected;  // number, is an error
    for (std::uint64_t number = 0; number < 2000; ++number) {
      if (random() % 100 < 50 + 30 * (number / 500 % 2)) {
        const bool error = random() % 10 == 0;
        error ? queue.push_error(failed(number)) : queue.push(numbered(number));
        expected.emplace_back(number, error);
        continue;
      }
      CompletionError error{};
      const std::ptrdiff_t taken = queue.read(1 + random() % 4, [&](const Completion& one, std::size_t) {
        cr_assert(expected.front() == std::pair(one.data, false));
        expected.pop_front();
      });
      if (taken > 0) continue;
      cr_assert_eq(taken, expected.empty() ? -EAGAIN : -kErrorAvailable);
      if (expected.empty()) continue;
      cr_assert_eq(queue.read_error(&error), 0);
      cr_assert(expected.front() == std::pair(error.completion.data, true));
      expected.pop_front();
    }
  }
}

Test(completion_queue, a_loss_for_want_of_memory_is_an_overrun_in_its_place) {
  std::array<std::byte, 400> storage;  // of the overflow list: room for a few entries
  std::pmr::monotonic_buffer_resource memory(storage.data(), storage.size(), std::pmr::null_memory_resource());
  CompletionQueue queue(2, false, &memory);
  for (unsigned i = 0; i < 20; ++i) queue.push(numbered(i));
  queue.push_error(failed(99));
  const std::vector<std::uint64_t> kept = read_all(queue, 100);
  cr_assert_gt(kept.size(), 2u);
  cr_assert_lt(kept.size(), 20u);
  for (std::size_t i = 0; i < kept.size(); ++i) cr_assert_eq(kept[i], i);
  CompletionError error{};
  cr_assert_eq(read_one(queue), -kErrorAvailable);
  cr_assert_eq(queue.read_error(&error), 0);
  cr_assert_eq(error.error, kOverrun);
  cr_assert_eq(read_one(queue), -EAGAIN);
  queue.push(numbered(20));
  cr_assert(read_all(queue, 1) == std::vector<std::uint64_t>({20}));
}

Test(completion_queue, several_threads_fill_and_drain) {
  constexpr std::uint64_t kEach = 20'000;
  CompletionQueue queue(64, true);
  const auto fill = [&](std::uint64_t first) {
    for (std::uint64_t i = 0; i < kEach; ++i) {
      while (queue.full()) std::this_thread::yield();
      i % 100 == 0 ? queue.push_error(failed(first + i)) : queue.push(numbered(first + i));
    }
  };
  std::thread one(fill, 0), other(fill, kEach);
  std::uint64_t next[2] = {0, kEach};  // each thread's entries come in its order
  const auto take = [&](std::uint64_t number) { cr_assert_eq(number, next[number / kEach]++); };
  for (std::uint64_t read = 0; read < 2 * kEach;) {
    const std::ptrdiff_t taken = queue.read(16, [&](const Completion& entry, std::size_t) { take(entry.data); });
    CompletionError error{};
    if (taken > 0) {
      read += static_cast<std::uint64_t>(taken);
    } else if (taken == -kErrorAvailable && queue.read_error(&error) == 0) {
      take(error.completion.data);
      ++read;
    } else {
      std::this_thread::yield();
    }
  }
  one.join();
  other.join();
  cr_assert_eq(read_one(queue), -EAGAIN);
}
