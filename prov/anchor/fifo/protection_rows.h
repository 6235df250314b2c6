// SPDX-License-Identifier: BSD-2-Clause
// Rows of a peer's memory protection table, copied to our own memory, and the check of an access against them.
//
// What they say is the peer's, and may be anything: nothing here loops on it, or computes past its ends.
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "fifo/protection_layout.h"

namespace anchor {

struct ProtectedAccess {
  std::uint64_t key;
  std::uint64_t address;
  std::uint64_t length;
  std::uint32_t rights;
};

// The row that a piece belongs to, for whoever keeps something about rows.
struct ProtectedRow {
  std::uint32_t number;
  std::uint64_t generation;  // another one as soon as the row is another region's
  std::uint64_t address;
  std::uint64_t length;
  std::uint64_t place = 0;  // RemoteRegion::placed; 0: none
};

// Memory of the peer's process that was checked. The addresses mean nothing here: they are for the kernel, or for
// MappedRows to look up.
struct ProtectedPieces {
  std::uint32_t count = 0;
  std::uint32_t told = 0;  // rights whose use the peer wants to be told of
  iovec list[kMaxRegionRows];
  ProtectedRow rows[kMaxRegionRows];  // of each
};

struct RowCopy {
  std::uint64_t generation;
  std::uint64_t key;
  std::uint64_t base;
  std::uint64_t length;
  std::uint64_t address;
  std::uint64_t terms;
  std::uint64_t place;
};

// Cuts an access into pieces of a region's rows, of which `row` is the first and has `number`; next(i, &row) copies
// the one i behind it. As MemoryRegistry::locate: a piece may go on where the next row begins.
// -EKEYREJECTED: the region was closed meanwhile. -EACCES: not allowed there. -ERANGE: beyond its end.
template <class Next>
int cut_pieces(const ProtectedAccess& wanted, std::uint32_t number, RowCopy row, Next&& next,
               ProtectedPieces* pieces) noexcept {
  if ((wanted.rights & ~RowTerms::rights(row.terms)) != 0) return -EACCES;
  pieces->count = 0;
  std::uint64_t address = wanted.address;
  std::uint64_t left = wanted.length;
  const std::uint32_t rows = std::min(RowTerms::rows(row.terms), kMaxRegionRows);
  for (std::uint32_t i = 0;;) {
    const std::uint64_t begin = address - row.base;  // wraps round below the row's first byte
    if (begin < row.length || (begin == row.length && left == 0)) {
      const std::uint64_t length = std::min(left, row.length - begin);
      pieces->list[pieces->count] = {reinterpret_cast<void*>(row.address + begin), length};
      pieces->rows[pieces->count++] = {number + i, row.generation, row.address, row.length, row.place};
      address += length;
      left -= length;
      if (left == 0) return 0;
    }
    if (++i >= rows) return -ERANGE;
    // Revoked and given to another region meanwhile, all or in part.
    if (!next(i, &row) || row.key != wanted.key || RowTerms::number(row.terms) != i) return -EKEYREJECTED;
    if ((wanted.rights & ~RowTerms::rights(row.terms)) != 0) return -EACCES;
  }
}

}  // namespace anchor
