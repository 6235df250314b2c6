// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <cerrno>

#include "../fifo/protection_pair.h"
#include "proto/mapped_rows.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr std::uint64_t kPlace = 0x10000;  // in the peer's process
constexpr std::uint64_t kBytes = 1000;
constexpr std::uint32_t kPatience = 16;

// Shares memory of the test's instead of a process's.
class Sharing final : public DirectCopy {
 public:
  std::ptrdiff_t read(const iovec*, std::size_t, const iovec*, std::size_t) noexcept override { return -EFAULT; }
  std::ptrdiff_t write(const iovec*, std::size_t, const iovec*, std::size_t) noexcept override { return -EFAULT; }
  int share(std::uint64_t address, std::uint64_t length, const std::shared_ptr<LostFlag>& flag,
            SharedView* view) noexcept override {
    ++asked;
    if (error != 0) return error;
    cr_assert_eq(address, kPlace);
    cr_assert_leq(length, kBytes);
    lost = flag;
    view->mapping = Mapping(bytes, kBytes, flag);  // no guarded one: unmapping does nothing
    view->first = bytes;
    view->writable = writable;
    return 0;
  }

  std::byte bytes[kBytes];
  std::shared_ptr<LostFlag> lost;
  unsigned asked = 0;
  int error = 0;
  bool writable = true;
};

struct Rows {
  std::byte* find(std::uint32_t number, std::uint64_t generation = 2, std::uint64_t offset = 0,
                  std::uint64_t length = 8, bool to_write = true) {
    const ProtectedRow row{number, generation, kPlace, kBytes};
    return rows.find(direct, row, {reinterpret_cast<void*>(kPlace + offset), length}, to_write);
  }
  // So many uses; the last one's answer.
  std::byte* use(std::uint32_t number, std::uint32_t times, std::uint64_t generation = 2) {
    std::byte* found = nullptr;
    while (times-- > 0) found = find(number, generation);
    return found;
  }

  Sharing direct;
  MappedRows rows;
};

}  // namespace

Test(mapped_rows, what_is_used_again_and_again_is_mapped) {
  Rows rows;
  cr_assert_null(rows.use(3, kPatience - 1));
  cr_assert_eq(rows.direct.asked, 0u, "it may be used once only");
  cr_assert_eq(rows.find(3), rows.direct.bytes);
  cr_assert_eq(rows.find(3, 2, 100), rows.direct.bytes + 100);
  cr_assert_eq(rows.direct.asked, 1u);
  cr_assert_eq(rows.rows.count(), 1u);
}

Test(mapped_rows, private_memory_is_asked_for_once_and_ever_less_eagerly) {
  Rows rows;
  rows.direct.error = -ENXIO;
  cr_assert_null(rows.use(1, 10 * kPatience));
  cr_assert_eq(rows.direct.asked, 1u);
  cr_assert_null(rows.use(2, 2 * kPatience - 1));
  cr_assert_eq(rows.direct.asked, 1u);
  cr_assert_null(rows.use(2, 1));
  cr_assert_eq(rows.direct.asked, 2u);
  rows.direct.error = 0;
  cr_assert_not_null(rows.use(3, 4 * kPatience));
  cr_assert_not_null(rows.use(4, kPatience), "one that could be had makes up for all");
}

Test(mapped_rows, without_a_descriptor_it_is_asked_for_again) {
  Rows rows;
  rows.direct.error = -EAGAIN;
  cr_assert_null(rows.use(1, kPatience));
  rows.direct.error = 0;
  cr_assert_not_null(rows.use(1, 4096));
  cr_assert_eq(rows.direct.asked, 2u);
}

Test(mapped_rows, a_row_of_another_generation_is_another_row) {
  Rows rows;
  cr_assert_not_null(rows.use(1, kPatience));
  cr_assert_null(rows.find(1, 4));
  cr_assert_eq(rows.rows.count(), 0u);
  cr_assert_not_null(rows.use(1, kPatience, 4));
  cr_assert_null(rows.find(1, 2));
}

Test(mapped_rows, no_access_leaves_what_was_mapped) {
  Rows rows;
  cr_assert_not_null(rows.use(1, kPatience));
  cr_assert_eq(rows.find(1, 2, kBytes - 8), rows.direct.bytes + kBytes - 8);
  cr_assert_null(rows.find(1, 2, kBytes - 7));
  cr_assert_null(rows.find(1, 2, kBytes + 1, 0));
  cr_assert_null(rows.find(1, 2, ~std::uint64_t{0}));
  cr_assert_null(rows.find(1, 2, 8, ~std::uint64_t{0}));
  // The peer changes its row without saying so.
  const ProtectedRow grown{1, 2, kPlace - 500, 2 * kBytes};
  cr_assert_null(rows.rows.find(rows.direct, grown, {reinterpret_cast<void*>(kPlace - 8), 8}, true));
}

Test(mapped_rows, what_may_only_be_read_is_only_read) {
  Rows rows;
  rows.direct.writable = false;
  cr_assert_null(rows.use(1, kPatience));
  cr_assert_eq(rows.find(1, 2, 0, 8, false), rows.direct.bytes);
  cr_assert_null(rows.find(1, 2, 0, 8, true));
}

Test(mapped_rows, rows_of_one_place_make_room_only_when_they_are_not_used) {
  Rows rows;
  ProtectionPair pair;
  for (std::uint64_t key = 0; key < 64; ++key) pair.add(key);
  cr_assert_eq(pair.check(1), 0);
  const std::uint64_t generation = pair.pieces.rows[0].generation;
  cr_assert_not_null(rows.use(1, kPatience, generation));
  cr_assert_null(rows.use(33, 10 * kPatience));
  cr_assert_not_null(rows.find(1, generation));
  rows.rows.drop_stale(pair.view);
  cr_assert_not_null(rows.use(33, kPatience), "the other one was not used since");
  cr_assert_null(rows.find(1, generation));
}

Test(mapped_rows, what_was_closed_is_unmapped) {
  Rows rows;
  ProtectionPair pair;
  const std::uint32_t first = pair.add(7);
  cr_assert_eq(pair.check(7), 0);
  cr_assert_not_null(rows.use(first, kPatience, pair.pieces.rows[0].generation));
  rows.rows.drop_stale(pair.view);
  cr_assert_eq(rows.rows.count(), 1u);
  pair.table.remove(first, 1);
  rows.rows.drop_stale(pair.view);
  cr_assert_eq(rows.rows.count(), 0u);
}

Test(mapped_rows, after_a_loss_all_begins_anew) {
  Rows rows;
  cr_assert_not_null(rows.use(1, kPatience));
  cr_assert_not_null(rows.use(2, kPatience));
  cr_assert_not(rows.rows.lost());
  rows.direct.lost->store(true);
  cr_assert(rows.rows.lost());
  cr_assert_not(rows.rows.lost());
  cr_assert_eq(rows.rows.count(), 0u);
  cr_assert_not_null(rows.use(1, kPatience));
}

Test(mapped_rows, no_more_than_the_process_can_bear) {
  MappedRows rows;
  Sharing direct;
  const ProtectedRow huge{1, 2, 0, ~std::uint64_t{0}};
  for (std::uint32_t i = 0; i < 4 * kPatience; ++i) cr_assert_null(rows.find(direct, huge, {nullptr, 8}, true));
  cr_assert_eq(direct.asked, 0u);
}
