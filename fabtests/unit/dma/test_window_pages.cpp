// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <cerrno>
#include <set>
#include <vector>

#include "dma/window_pages.h"
#include "os/cacheline.h"

using namespace anchor;

namespace {

constexpr std::uint64_t kFirst = 40, kEnd = 200;
constexpr std::size_t kAll = (kEnd - kFirst) * kPageSize;

// As two processes see them.
struct Pages {
  Pages() {
    first.open(owners.data(), kFirst, kEnd);
    second.open(owners.data(), kFirst, kEnd);
  }
  std::vector<PageOwner> owners = std::vector<PageOwner>(kEnd);
  WindowPages first, second;
};

}  // namespace

Test(window_pages, have_one_owner) {
  Pages pages;
  std::set<std::uint64_t> offsets;
  std::uint64_t offset;
  for (unsigned i = 0; (i % 2 ? pages.first : pages.second).claim(i % 2, 7 * kPageSize, &offset) == 0; ++i) {
    cr_assert_geq(offset, kFirst * kPageSize);
    cr_assert_leq(offset + 7 * kPageSize, kEnd * kPageSize);
    for (std::uint64_t page = 0; page < 7; ++page) cr_assert(offsets.insert(offset + page * kPageSize).second);
  }
  cr_assert_lt(pages.first.room().bytes, 14 * kPageSize);
  for (const std::uint64_t page : offsets) pages.first.release(page, kPageSize);
  cr_assert_eq(pages.second.room().bytes, kAll);
  cr_assert_eq(pages.second.claim(1, kAll, &offset), 0, "all of it is in one piece");
}

Test(window_pages, must_lie_in_a_row) {
  Pages pages;
  std::uint64_t low, high, offset;
  cr_assert_eq(pages.first.claim(1, kAll / 2, &low), 0);
  cr_assert_eq(pages.first.claim(2, kPageSize, &high), 0);
  pages.first.release(low, kAll / 2);
  cr_assert_eq(pages.first.room().bytes, kAll - kPageSize);
  cr_assert_eq(pages.first.room().longest, kAll / 2);
  cr_assert_eq(pages.first.claim(1, kAll / 2 + kPageSize, &offset), -ENOSPC);
  cr_assert_eq(pages.first.claim(1, kAll / 2, &offset), 0);
  cr_assert_eq(offset, low);
}

Test(window_pages, of_one_slot_are_released_together) {
  Pages pages;
  std::uint64_t offset;
  for (const std::uint32_t slot : {0u, 7u, 0u}) cr_assert_eq(pages.first.claim(slot, 3 * kPageSize, &offset), 0);
  pages.second.release_all_of(0);
  cr_assert_eq(pages.first.room().bytes, kAll - 3 * kPageSize);
}
