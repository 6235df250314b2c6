// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <thread>

#include "dma/retrieval.h"

using namespace anchor;

Test(retrieval, is_under_way_while_one_exists) {
  cr_assert_not(Retrieval::under_way());
  {
    const Retrieval outer;
    {
      const Retrieval inner;
      cr_assert(Retrieval::under_way());
    }
    cr_assert(Retrieval::under_way());
    std::thread([] { cr_assert_not(Retrieval::under_way(), "by another thread"); }).join();
  }
  cr_assert_not(Retrieval::under_way());
}
