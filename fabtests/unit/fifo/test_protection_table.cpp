// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <set>

#include "protection_pair.h"

using namespace anchor;
using namespace anchor::unit;

Test(protection_table, a_row_says_what_it_was_given) {
  ProtectionPair pair;
  const std::uint32_t first = pair.add(7, 0x1000, 0x2000, 0xabc000, kMayWrite);
  ProtectionRow& row = pair.row(first);
  cr_assert_eq(row.sequence.load() % 2, 0u);
  cr_assert_eq(row.key.load(), 7u);
  cr_assert_eq(row.base.load(), 0x1000u);
  cr_assert_eq(row.length.load(), 0x2000u);
  cr_assert_eq(row.address.load(), 0xabc000u);
  cr_assert_eq(row.terms.load(), RowTerms::pack(kMayWrite, 0, 1, 0));
  cr_assert_eq(pair.directory().used.load(), 1u);
}

Test(protection_table, nothing_is_made_before_it_is_needed) {
  ProtectionPair pair;
  cr_assert_eq(pair.directory().chunks[0].load(), 0u);
  for (std::uint64_t key = 0; key < 64; ++key) pair.add(key);
  cr_assert_eq(pair.directory().chunks[0].load(), kPageSize);
  cr_assert_eq(pair.directory().chunks[1].load(), 0u);
  pair.add(64);
  cr_assert_eq(pair.directory().chunks[1].load(), 2 * kPageSize);
}

Test(protection_table, revoked_rows_are_empty_and_used_again) {
  ProtectionPair pair;
  const std::uint32_t first = pair.add(7);
  const std::uint64_t before = pair.row(first).sequence.load();
  pair.table.remove(first, 1);
  cr_assert_eq(pair.row(first).terms.load(), 0u);
  cr_assert_eq(pair.row(first).address.load(), 0u);
  cr_assert_eq(pair.row(first).sequence.load(), before + 2);
  cr_assert_eq(pair.add(8), first);
  cr_assert_eq(pair.row(first).sequence.load(), before + 4);
}

Test(protection_table, rows_of_a_region_stay_together) {
  ProtectionPair pair;
  std::set<std::uint32_t> taken;
  for (std::uint64_t key = 0; key < 100; ++key) {
    const std::uint32_t count = 1 + key % kMaxRegionRows;
    ProtectionTerms terms[kMaxRegionRows];
    for (ProtectionTerms& each : terms) each = {key, 0, 10, 0x1000, kMayRead, 0};
    std::uint32_t first;
    cr_assert_eq(pair.table.add(terms, count, &first), 0);
    for (std::uint32_t i = 0; i < count; ++i) {
      cr_assert(taken.insert(first + i).second, "nobody else has row %u", first + i);
      cr_assert_eq(chunk_of(first + i), chunk_of(first));
      cr_assert_eq(pair.row(first + i).terms.load(), RowTerms::pack(kMayRead, 0, count - i, i));
    }
  }
}

Test(protection_table, closing_and_opening_takes_no_more_room) {
  ProtectionPair pair;
  ProtectionTerms terms[kMaxRegionRows];
  for (ProtectionTerms& each : terms) each = {1, 0, 10, 0x1000, kMayRead, 0};
  for (unsigned i = 0; i < 1000; ++i) {
    const std::uint32_t count = 1 + i % kMaxRegionRows;
    std::uint32_t first;
    cr_assert_eq(pair.table.add(terms, count, &first), 0);
    pair.table.remove(first, count);
  }
  cr_assert_eq(pair.directory().chunks[1].load(), 0u);
}

Test(protection_table, without_room_nothing_changes) {
  ProtectionPair pair;
  pair.memory.limit = 2 * kPageSize;
  for (std::uint64_t key = 0; key < 64; ++key) pair.add(key);
  const ProtectionTerms terms{64, 0, 1, 0, kMayRead, 0};
  std::uint32_t first;
  cr_assert_eq(pair.table.add(&terms, 1, &first), -ENOSPC);
  pair.table.remove(5, 1);
  cr_assert_eq(pair.table.add(&terms, 1, &first), 0);
  cr_assert_eq(first, 5u);
}

Test(protection_table, what_is_told_changes_under_a_reader) {
  ProtectionPair pair;
  const std::uint32_t first = pair.add(7);
  const std::uint64_t before = pair.row(first).sequence.load();
  pair.table.tell(first, 1, kMayWrite);
  cr_assert_eq(pair.row(first).sequence.load(), before);
  cr_assert_eq(pair.row(first).terms.load(), RowTerms::pack(kMayRead | kMayWrite, kMayWrite, 1, 0));
  pair.table.tell_always(kMayRead);
  cr_assert_eq(pair.directory().told.load(), static_cast<std::uint64_t>(kMayRead));
}

Test(protection_table, a_row_that_is_renewed_says_the_same) {
  ProtectionPair pair;
  const std::uint32_t first = pair.add(7, 0, 100, 0x10000);
  const std::uint64_t before = pair.row(first).sequence.load();
  pair.table.renew(first, 1);
  cr_assert_eq(pair.row(first).sequence.load(), before + 2);
  cr_assert_eq(pair.check(7), 0);
  cr_assert_eq(pair.place(), 0x10000u);
}
