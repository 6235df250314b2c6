// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "fifo/protection_copy.h"
#include "protection_pair.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr std::uint64_t kPlace = 0x0100'0000'1234'5000;

struct Copied : ProtectionPair {
  int check(std::uint64_t changes, std::uint64_t key = 5, std::uint64_t address = 0, std::uint64_t length = 8,
            std::uint32_t rights = kMayWrite) {
    pieces = ProtectedPieces{};
    return copy.check({key, address, length, rights}, changes, &pieces);
  }
  ProtectionTerms terms(std::uint64_t key, std::uint64_t place = kPlace, std::uint64_t base = 0) {
    return {.key = key,
            .base = base,
            .length = 4096,
            .address = 0x10000,
            .rights = kMayRead | kMayWrite,
            .told = kMayRead,
            .place = place};
  }
  std::uint32_t add(std::uint64_t key) {
    const ProtectionTerms row = terms(key);
    std::uint32_t first;
    cr_assert_eq(table.add(&row, 1, &first), 0);
    return first;
  }

  ProtectionCopy copy{view};
  ProtectedPieces pieces;
};

}  // namespace

Test(protection_copy, says_what_the_table_says) {
  Copied c;
  c.add(5);
  cr_assert_eq(c.check(1, 5, 100, 50), 0);
  cr_assert_eq(c.pieces.count, 1u);
  cr_assert_eq(c.pieces.rows[0].place, kPlace);
  cr_assert_eq(reinterpret_cast<std::uint64_t>(c.pieces.list[0].iov_base), 0x10000u + 100);
  cr_assert_eq(c.pieces.told, static_cast<std::uint32_t>(kMayRead));
  cr_assert_eq(c.check(1, 5, 4090, 10), -ERANGE);
  cr_assert_eq(c.check(1, 6), -EKEYREJECTED);
}

Test(protection_copy, looks_again_only_when_it_is_told) {
  Copied c;
  const std::uint32_t row = c.add(5);
  cr_assert_eq(c.check(1), 0);
  cr_assert_eq(c.check(1, 7), -EKEYREJECTED);
  c.table.remove(row, 1);
  c.add(7);
  cr_assert_eq(c.check(1), 0);
  cr_assert_eq(c.check(1, 7), -EKEYREJECTED);
  cr_assert_eq(c.check(2), -EKEYREJECTED);
  cr_assert_eq(c.check(2, 7), 0);
  c.table.tell_always(kMayWrite);
  cr_assert_eq(c.check(3, 7), 0);
  cr_assert_eq(c.pieces.told, 3u);
}

Test(protection_copy, regions_of_several_rows) {
  Copied c;
  const ProtectionTerms rows[] = {c.terms(5), c.terms(5, 0, 4096)};
  std::uint32_t first;
  cr_assert_eq(c.table.add(rows, 2, &first), 0);
  cr_assert_eq(c.check(1, 5, 4090, 12), 0);
  cr_assert_eq(c.pieces.count, 2u);
  cr_assert_eq(c.pieces.rows[1].place, 0u);
  cr_assert_eq(c.check(1, 5, 8190, 3), -ERANGE);
}

Test(protection_copy, many_keys_are_forgotten_not_kept_for_ever) {
  Copied c;
  c.add(5);
  for (std::uint64_t key = 10; key < 10'000; ++key) cr_assert_eq(c.check(1, key), -EKEYREJECTED);
  cr_assert_eq(c.check(1), 0);
}
