// SPDX-License-Identifier: BSD-2-Clause
// Offsets and sizes here are part of the format: see test_fifo_layout.cpp.
#include <criterion/criterion.h>

#include "fifo/protection_layout.h"

using namespace anchor;

Test(protection_layout, row) {
  cr_assert_eq(sizeof(ProtectionRow), 64u);
  cr_assert_eq(offsetof(ProtectionRow, sequence), 0u);
  cr_assert_eq(offsetof(ProtectionRow, key), 8u);
  cr_assert_eq(offsetof(ProtectionRow, base), 16u);
  cr_assert_eq(offsetof(ProtectionRow, length), 24u);
  cr_assert_eq(offsetof(ProtectionRow, address), 32u);
  cr_assert_eq(offsetof(ProtectionRow, terms), 40u);
  cr_assert_eq(offsetof(ProtectionRow, place), 48u);
  cr_assert_eq(offsetof(ProtectionRow, reserved), 56u);
}

Test(protection_layout, terms) {
  const std::uint64_t terms = RowTerms::pack(kMayRead | kMayWrite, kMayWrite, 4, 1);
  cr_assert_eq(terms, 0x01'04'02'03u);
  cr_assert_eq(RowTerms::rights(terms), 3u);
  cr_assert_eq(RowTerms::told(terms), 2u);
  cr_assert_eq(RowTerms::rows(terms), 4u);
  cr_assert_eq(RowTerms::number(terms), 1u);
  cr_assert_eq(kMayRead, 1);
  cr_assert_eq(kMayWrite, 2);
  cr_assert_eq(kMaxRegionRows, 4u);
}

Test(protection_layout, directory) {
  cr_assert_eq(sizeof(ProtectionDirectory), 192u);
  cr_assert_eq(offsetof(ProtectionDirectory, used), 0u);
  cr_assert_eq(offsetof(ProtectionDirectory, told), 8u);
  cr_assert_eq(offsetof(ProtectionDirectory, chunks), 64u);
  cr_assert_eq(kProtectionChunks, 16u);
}

Test(protection_layout, chunks_double) {
  cr_assert_eq(chunk_bytes(0), 4096u);
  cr_assert_eq(chunk_bytes(3), 32768u);
  cr_assert_eq(chunk_start(0), 0u);
  cr_assert_eq(chunk_start(1), 64u);
  cr_assert_eq(chunk_start(2), 192u);
  cr_assert_eq(kMaxRows, 4194240u);
  for (std::uint32_t chunk = 0; chunk < kProtectionChunks; ++chunk) {
    cr_assert_eq(chunk_of(chunk_start(chunk)), chunk);
    cr_assert_eq(chunk_of(chunk_start(chunk) + chunk_rows(chunk) - 1), chunk);
  }
  cr_assert_eq(chunk_of(kMaxRows), kProtectionChunks);
}
