// SPDX-License-Identifier: BSD-2-Clause
#include "fifo/protection_table.h"

#include <cassert>
#include <cerrno>

namespace anchor {
namespace {

// R6, paired with A6: a reader that has seen any of the new words sees an odd or a newer sequence number afterwards,
// so it never takes a mixture of two states for one.
void begin_change(ProtectionRow& row) noexcept {
  row.sequence.store(row.sequence.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}
void put(SharedWord& word, std::uint64_t value) noexcept { word.store(value, std::memory_order_release); }
void end_change(ProtectionRow& row) noexcept {
  row.sequence.store(row.sequence.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

void fill(ProtectionRow& row, const ProtectionTerms& terms, std::uint32_t rows, std::uint32_t number) noexcept {
  begin_change(row);
  put(row.key, terms.key);
  put(row.base, terms.base);
  put(row.length, terms.length);
  put(row.address, terms.address);
  put(row.place, terms.place);
  put(row.terms, RowTerms::pack(terms.rights, terms.told, rows, number));
  end_change(row);
}

void clear(ProtectionRow& row) noexcept {
  begin_change(row);
  for (SharedWord* word : {&row.terms, &row.key, &row.base, &row.length, &row.address, &row.place}) put(*word, 0);
  end_change(row);
}

}  // namespace

int ProtectionTable::add(const ProtectionTerms* terms, std::uint32_t count, std::uint32_t* first) {
  assert(count != 0 && count <= kMaxRegionRows);
  std::uint32_t start;
  if (const int error = take_rows(count, &start)) return error;
  // The first row last: who looks for the key finds all of its rows or none.
  for (std::uint32_t i = count; i-- > 0;) fill(row(start + i), terms[i], count - i, i);
  // Readers look no further than this; what lies before it is complete.
  directory_->used.store(used_, std::memory_order_release);
  *first = start;
  return 0;
}

void ProtectionTable::remove(std::uint32_t first, std::uint32_t count) noexcept {
  for (std::uint32_t i = 0; i < count; ++i) clear(row(first + i));
  free_[count].push_back(first);  // never throws: take_rows() saw to the room
}

void ProtectionTable::renew(std::uint32_t first, std::uint32_t count) noexcept {
  for (std::uint32_t i = 0; i < count; ++i) {
    begin_change(row(first + i));
    end_change(row(first + i));
  }
}

// One word, and the row stays the same region's: no reader need try again.
void ProtectionTable::tell(std::uint32_t first, std::uint32_t count, std::uint32_t rights) noexcept {
  for (std::uint32_t i = 0; i < count; ++i) {
    SharedWord& word = row(first + i).terms;
    const std::uint64_t terms = word.load(std::memory_order_relaxed);
    put(word, RowTerms::pack(RowTerms::rights(terms), rights, RowTerms::rows(terms), RowTerms::number(terms)));
  }
}

void ProtectionTable::tell_always(std::uint32_t rights) noexcept { put(directory_->told, rights); }

int ProtectionTable::take_rows(std::uint32_t count, std::uint32_t* first) {
  std::vector<std::uint32_t>& runs = free_[count];
  if (!runs.empty()) {
    *first = runs.back();
    runs.pop_back();
    return 0;
  }
  return extend(count, first);
}

// Rows of one region do not spread over two chunks; what is left of the earlier one serves regions of one row.
int ProtectionTable::extend(std::uint32_t count, std::uint32_t* first) {
  for (std::vector<std::uint32_t>& runs : free_)
    if (runs.capacity() < used_ + kFirstChunkRows) runs.reserve(2 * (used_ + kFirstChunkRows));
  const std::uint32_t end = chunk_start(chunk_count_);
  if (used_ + count > end) {
    if (const int error = make_chunk()) return error;
    while (used_ < end) free_[1].push_back(used_++);
  }
  *first = used_;
  used_ += count;
  return 0;
}

int ProtectionTable::make_chunk() {
  if (chunk_count_ == kProtectionChunks) return -ENOSPC;
  std::uint64_t offset;
  std::byte* memory;
  if (const int error = region_.allocate(chunk_bytes(chunk_count_), &offset, &memory)) return error;
  chunks_[chunk_count_] = reinterpret_cast<ProtectionRow*>(memory);
  put(directory_->chunks[chunk_count_], offset);
  ++chunk_count_;
  return 0;
}

}  // namespace anchor
