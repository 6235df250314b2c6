// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <thread>

#include "core/counter.h"

using namespace anchor;

Test(counter, values_and_errors_are_apart) {
  Counter counter;
  cr_assert_eq(counter.value(), 0u);
  cr_assert_eq(counter.errors(), 0u);
  counter.add();
  counter.add(4);
  counter.add_error(2);
  cr_assert_eq(counter.value(), 5u);
  cr_assert_eq(counter.errors(), 2u);
  counter.set(10);
  counter.set_error(0);
  counter.add();
  cr_assert_eq(counter.value(), 11u);
  cr_assert_eq(counter.errors(), 0u);
}

Test(counter, two_threads_lose_no_count) {
  Counter counter;
  const auto work = [&] {
    for (unsigned i = 0; i < 50'000; ++i) {
      counter.add();
      counter.add_error();
    }
  };
  std::thread one(work), other(work);
  one.join();
  other.join();
  cr_assert_eq(counter.value(), 100'000u);
  cr_assert_eq(counter.errors(), 100'000u);
}
