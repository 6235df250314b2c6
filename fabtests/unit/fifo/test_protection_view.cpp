// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <atomic>
#include <thread>

#include "protection_pair.h"

using namespace anchor;
using namespace anchor::unit;

Test(protection_view, what_is_allowed_is_found) {
  ProtectionPair pair;
  pair.add(7, 0, 100, 0x10000);
  cr_assert_eq(pair.check(7, 10, 90, kMayRead | kMayWrite), 0);
  cr_assert_eq(pair.pieces.count, 1u);
  cr_assert_eq(pair.place(), 0x1000au);
  cr_assert_eq(pair.pieces.list[0].iov_len, 90u);
  cr_assert_eq(pair.check(8), -EKEYREJECTED);
}

Test(protection_view, ranges_end_where_they_end) {
  ProtectionPair pair;
  pair.add(7, 0x5000, 100, 0x10000);
  cr_assert_eq(pair.check(7, 0x5000, 100), 0);
  cr_assert_eq(pair.check(7, 0x5000, 101), -ERANGE);
  cr_assert_eq(pair.check(7, 0x5063, 1), 0);
  cr_assert_eq(pair.check(7, 0x5064, 1), -ERANGE);
  cr_assert_eq(pair.check(7, 0x4fff, 1), -ERANGE);
  cr_assert_eq(pair.check(7, 0x5001, ~0ull), -ERANGE, "the end wraps round");
  cr_assert_eq(pair.check(7, ~0ull, 2), -ERANGE);
  cr_assert_eq(pair.check(7, 0x5064, 0), 0, "nothing, at the end");
  cr_assert_eq(pair.check(7, 0x5065, 0), -ERANGE);
}

Test(protection_view, all_of_memory_and_none_of_it) {
  ProtectionPair pair;
  pair.add(1, 0, ~0ull, 0);
  cr_assert_eq(pair.check(1, 0x7fff'0000'1234, 1u << 20), 0);
  cr_assert_eq(pair.place(), 0x7fff'0000'1234u);
  cr_assert_eq(pair.check(1, ~0ull, 1), -ERANGE);
  pair.add(2, 0, 0, 0x1000);
  cr_assert_eq(pair.check(2, 0, 0), 0);
  cr_assert_eq(pair.check(2, 0, 1), -ERANGE);
}

Test(protection_view, keys_that_never_come_again_are_not_kept) {
  ProtectionPair pair;
  pair.add(1, 0, 100, 0x1000);
  for (std::uint64_t key = 2; key < 10'000; ++key) {
    const std::uint32_t first = pair.add(key, 0, 100, 0x1000 * key);
    cr_assert_eq(pair.check(key), 0);
    cr_assert_eq(pair.place(), 0x1000 * key);
    pair.table.remove(first, 1);
  }
  cr_assert_leq(pair.view.remembered(), 4u, "two rows were ever in use");
  cr_assert_eq(pair.check(1), 0);
}

Test(protection_view, rights_are_looked_at) {
  ProtectionPair pair;
  pair.add(1, 0, 100, 0x1000, kMayRead);
  pair.add(2, 0, 100, 0x1000, kMayWrite);
  cr_assert_eq(pair.check(1, 0, 1, kMayRead), 0);
  cr_assert_eq(pair.check(1, 0, 1, kMayWrite), -EACCES);
  cr_assert_eq(pair.check(2, 0, 1, kMayWrite), 0);
  cr_assert_eq(pair.check(2, 0, 1, kMayRead), -EACCES);
  cr_assert_eq(pair.check(2, 0, 1, kMayRead | kMayWrite), -EACCES);
}

Test(protection_view, offsets_run_through_all_segments) {
  ProtectionPair pair;
  const ProtectionTerms terms[] = {{7, 0, 10, 0x1000, 1, 0}, {7, 10, 20, 0x2000, 1, 0}, {7, 30, 5, 0x3000, 1, 0}};
  std::uint32_t first;
  cr_assert_eq(pair.table.add(terms, 3, &first), 0);
  cr_assert_eq(pair.check(7, 8, 25), 0);
  cr_assert_eq(pair.pieces.count, 3u);
  cr_assert_eq(pair.place(0), 0x1008u);
  cr_assert_eq(pair.pieces.list[1].iov_len, 20u);
  cr_assert_eq(pair.pieces.list[2].iov_len, 3u);
  cr_assert_eq(pair.check(7, 30, 5), 0);
  cr_assert_eq(pair.place(0), 0x3000u);
  cr_assert_eq(pair.check(7, 30, 6), -ERANGE);
}

Test(protection_view, addresses_mean_one_segment) {
  ProtectionPair pair;
  const ProtectionTerms terms[] = {{7, 0x2000, 10, 0x2000, 1, 0}, {7, 0x1000, 10, 0x1000, 1, 0}};
  std::uint32_t first;
  cr_assert_eq(pair.table.add(terms, 2, &first), 0);
  cr_assert_eq(pair.check(7, 0x1002, 8), 0);
  cr_assert_eq(pair.place(), 0x1002u);
  cr_assert_eq(pair.check(7, 0x2002, 8), 0);
  cr_assert_eq(pair.check(7, 0x2002, 9), -ERANGE);
}

Test(protection_view, thousands_of_regions_are_found_in_any_order) {
  ProtectionPair pair;
  constexpr std::uint64_t kCount = 5000;
  for (std::uint64_t i = 0; i < kCount; ++i) pair.add(i << 40 | 5, 0, 10, 0x1000 * i);
  for (std::uint64_t i = 0; i < kCount; i += 7) {
    const std::uint64_t n = i * 2654435761u % kCount;
    cr_assert_eq(pair.check(n << 40 | 5), 0);
    cr_assert_eq(pair.place(), 0x1000 * n);
  }
  cr_assert_eq(pair.memory.mappings, 7u, "each chunk is mapped once");
}

Test(protection_view, what_was_revoked_is_refused_though_it_was_known) {
  ProtectionPair pair;
  const std::uint32_t first = pair.add(7);
  cr_assert_eq(pair.check(7), 0);
  pair.table.remove(first, 1);
  cr_assert_eq(pair.check(7), -EKEYREJECTED);
  cr_assert_eq(pair.add(9), first);
  cr_assert_eq(pair.check(7), -EKEYREJECTED);
  pair.add(7, 0, 10, 0x77000);
  cr_assert_eq(pair.check(7), 0, "another region with the key, elsewhere");
  cr_assert_eq(pair.place(), 0x77000u);
}

Test(protection_view, what_is_to_be_told) {
  ProtectionPair pair;
  const std::uint32_t first = pair.add(7);
  cr_assert_eq(pair.check(7), 0);
  cr_assert_eq(pair.pieces.told, 0u);
  pair.table.tell(first, 1, kMayWrite);
  cr_assert_eq(pair.check(7), 0);
  cr_assert_eq(pair.pieces.told, static_cast<std::uint32_t>(kMayWrite));
  pair.table.tell_always(kMayRead);
  cr_assert_eq(pair.check(7), 0);
  cr_assert_eq(pair.pieces.told, 3u);
}

// From here on the owner means harm, or died at a bad moment.

Test(protection_view, a_row_that_was_being_changed_for_ever_is_none) {
  ProtectionPair pair;
  const std::uint32_t first = pair.add(7);
  pair.add(8);
  cr_assert_eq(pair.check(7), 0);
  pair.row(first).sequence.fetch_add(1);
  cr_assert_eq(pair.check(7), -EKEYREJECTED);
  cr_assert_eq(pair.check(8), 0);
}

Test(protection_view, a_row_that_never_rests_holds_nobody_up) {
  ProtectionPair pair;
  const std::uint32_t first = pair.add(7);
  std::atomic<bool> done{false};
  std::thread cycling([&] {
    while (!done) pair.row(first).sequence.fetch_add(1);
  });
  for (unsigned i = 0; i < 10'000; ++i) {
    const int error = pair.check(7);
    cr_assert(error == 0 || error == -EKEYREJECTED);
  }
  done = true;
  cycling.join();
}

// Two states of one row, in turn: what is read is always one of them.
Test(protection_view, no_mixture_of_two_states_is_read) {
  ProtectionPair pair;
  std::uint32_t first = pair.add(7, 0x1000, 0x1000, 0x1000);
  std::atomic<bool> done{false};
  std::thread changing([&] {
    for (std::uint64_t i = 0; !done; ++i) {
      pair.table.remove(first, 1);
      const std::uint64_t base = i % 2 == 0 ? 0x2000 : 0x1000;
      const ProtectionTerms terms{7, base, base, base, kMayRead, 0};
      pair.table.add(&terms, 1, &first);
    }
  });
  unsigned found = 0;
  while (found < 1000) {
    if (pair.check(7, 0x2000, 0x1000) != 0) continue;
    ++found;
    cr_assert_eq(pair.place(), 0x2000u);
  }
  done = true;
  changing.join();
}

Test(protection_view, numbers_of_any_size_lead_nowhere_else) {
  ProtectionPair pair;
  const std::uint32_t first = pair.add(7);
  ProtectionRow& row = pair.row(first);
  for (const std::uint64_t word : {0ull, 1ull, 63ull, ~0ull, ~0ull - 63, 1ull << 63}) {
    row.base.store(word);
    row.length.store(~word);
    row.address.store(word * 3);
    for (const std::uint64_t address : {0ull, 1ull, ~0ull, 1ull << 63})
      for (const std::uint64_t length : {0ull, 1ull, 1ull << 47}) {
        if (pair.check(7, address, length) != 0) continue;
        std::uint64_t sum = 0;
        for (std::uint32_t i = 0; i < pair.pieces.count; ++i) sum += pair.pieces.list[i].iov_len;
        cr_assert_eq(sum, length);
      }
  }
  row.terms.store(RowTerms::pack(kMayRead, 0, 255, 0));
  row.length.store(1);
  row.base.store(0);
  cr_assert_neq(pair.check(7, 0, 200), 0);
  row.terms.store(~0ull);
  cr_assert_neq(pair.check(7, 0, 200), 0);
}

Test(protection_view, more_rows_than_there_are_is_no_more_than_fit) {
  ProtectionPair pair;
  pair.memory.limit = 2 * kPageSize;
  pair.add(7);
  pair.directory().used.store(~0ull);
  cr_assert_eq(pair.check(8), -EKEYREJECTED);
  cr_assert_eq(pair.check(7), 0);
}

Test(protection_view, chunks_that_lie_elsewhere_are_refused) {
  ProtectionPair pair;
  pair.add(7);
  for (const std::uint64_t offset : {kPageSize - 1ull, 100ull, kPageSize + 64ull, 1ull << 40, ~0ull, ~4095ull}) {
    pair.directory().chunks[0].store(offset);
    cr_assert_eq(pair.check(7), -EPROTO, "%#llx", static_cast<unsigned long long>(offset));
  }
  pair.directory().chunks[0].store(0);
  cr_assert_eq(pair.check(7), -EKEYREJECTED);
}

Test(protection_view, a_piece_says_which_row_in_which_generation_it_is_of) {
  ProtectionPair pair;
  const ProtectionTerms terms[] = {{7, 0, 10, 0x1000, 1, 0}, {7, 10, 20, 0x2000, 1, 0}};
  std::uint32_t first;
  cr_assert_eq(pair.table.add(terms, 2, &first), 0);
  cr_assert_eq(pair.check(7, 8, 10), 0);
  const ProtectedRow second = pair.pieces.rows[1];
  cr_assert_eq(pair.pieces.rows[0].number, first);
  cr_assert_eq(second.number, first + 1);
  cr_assert_eq(second.address, 0x2000u);
  cr_assert_eq(second.length, 20u);
  cr_assert(pair.view.is_current(second.number, second.generation));
  cr_assert_not(pair.view.is_current(second.number, second.generation + 2));
  pair.table.tell(first, 2, kMayRead);
  cr_assert(pair.view.is_current(second.number, second.generation), "it is the same memory");
  pair.table.renew(first, 2);
  cr_assert_not(pair.view.is_current(second.number, second.generation));
  cr_assert_eq(pair.check(7, 8, 10), 0, "and may be used as before");
  cr_assert(pair.view.is_current(second.number, pair.pieces.rows[1].generation));
  const std::uint64_t generation = pair.pieces.rows[1].generation;
  pair.table.remove(first, 2);
  cr_assert_not(pair.view.is_current(second.number, generation));
  cr_assert_not(pair.view.is_current(kMaxRows, 0));
}
