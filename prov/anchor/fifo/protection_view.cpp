// SPDX-License-Identifier: BSD-2-Clause
#include "fifo/protection_view.h"

#include <algorithm>
#include <cerrno>
#include <new>

#include "os/log.h"

namespace anchor {
namespace {

// An owner that is at a row needs as long as a few looks; one that died there, or goes on for ever, is not waited for.
constexpr int kLooks = 16;

}  // namespace

const ProtectionRow* ProtectionView::row_at(std::uint32_t number) const noexcept {
  const std::uint32_t chunk = chunk_of(number);
  if (chunk >= chunk_count_ || !chunks_[chunk]) return nullptr;
  return reinterpret_cast<const ProtectionRow*>(chunks_[chunk].data()) + (number - chunk_start(chunk));
}

// False: no such row, it is free, or it is being changed.
bool ProtectionView::copy_row(std::uint32_t number, RowCopy* row) noexcept {
  const ProtectionRow* shared = row_at(number);
  if (shared == nullptr) return false;
  for (int look = 0; look < kLooks; ++look) {
    // A6, paired with R6: each word is loaded before the second look at the sequence number.
    const std::uint64_t before = shared->sequence.load(std::memory_order_acquire);
    row->key = shared->key.load(std::memory_order_acquire);
    row->base = shared->base.load(std::memory_order_acquire);
    row->length = shared->length.load(std::memory_order_acquire);
    row->address = shared->address.load(std::memory_order_acquire);
    row->terms = shared->terms.load(std::memory_order_acquire);
    row->place = shared->place.load(std::memory_order_acquire);
    row->generation = before;
    if (before % 2 == 0 && shared->sequence.load(std::memory_order_relaxed) == before)
      return RowTerms::rights(row->terms) != 0;
  }
  return false;
}

bool ProtectionView::is_current(std::uint32_t number, std::uint64_t generation) const noexcept {
  const ProtectionRow* shared = row_at(number);
  return shared != nullptr && shared->sequence.load(std::memory_order_relaxed) == generation;
}

int ProtectionView::map_chunk(std::uint32_t chunk) noexcept {
  const std::uint64_t offset = directory_->chunks[chunk].load(std::memory_order_acquire);
  if (offset == 0) return -EKEYREJECTED;  // counted as used but not made: not an honest owner
  if (offset % kPageSize != 0 || offset < header_size_) {
    ANCHOR_WARN(kEndpoint, "a peer's protection table names a chunk at %llu", static_cast<unsigned long long>(offset));
    return -EPROTO;
  }
  return region_.map(offset, chunk_bytes(chunk), &chunks_[chunk]);
}

std::uint32_t ProtectionView::rows_in_use() const noexcept {
  const std::uint64_t used = directory_->used.load(std::memory_order_acquire);
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(used, chunk_start(chunk_count_)));
}

int ProtectionView::scan(std::uint64_t key, std::uint32_t* number, RowCopy* first) noexcept {
  const std::uint32_t end = rows_in_use();
  for (std::uint32_t i = 0; i < end; ++i) {
    if (!chunks_[chunk_of(i)])
      if (const int error = map_chunk(chunk_of(i))) return error;
    // Relaxed: copy_row() looks again.
    if (row_at(i)->key.load(std::memory_order_relaxed) != key) continue;
    if (!copy_row(i, first) || first->key != key || RowTerms::number(first->terms) != 0) continue;
    *number = i;
    return 0;
  }
  return -EKEYREJECTED;
}

// Of an owner that registers each buffer anew, under another key, most are closed. That is noticed only when a key
// comes again, so when there are twice as many as rows all are forgotten; which keys are in use is soon known again.
void ProtectionView::remember(std::uint64_t key, std::uint32_t number) noexcept {
  if (numbers_.size() >= 2 * std::size_t{rows_in_use()}) numbers_.clear();
  try {
    numbers_.insert_or_assign(key, number);
  } catch (const std::bad_alloc&) {  // then it is looked for again
  }
}

int ProtectionView::find(std::uint64_t key, std::uint32_t* number, RowCopy* first) noexcept {
  const auto leads_to_it = [&](std::uint32_t remembered) {
    *number = remembered;
    return copy_row(remembered, first) && first->key == key && RowTerms::number(first->terms) == 0;
  };
  if (key == last_key_ && leads_to_it(last_number_)) [[likely]]
    return 0;
  const auto known = numbers_.find(key);
  if (known == numbers_.end() || !leads_to_it(known->second)) {
    if (known != numbers_.end()) numbers_.erase(known);
    if (const int error = scan(key, number, first)) return error;
    remember(key, *number);
  }
  last_key_ = key;
  last_number_ = *number;
  return 0;
}

int ProtectionView::check(const ProtectedAccess& wanted, ProtectedPieces* pieces) noexcept {
  std::uint32_t number;
  RowCopy row;
  if (const int error = find(wanted.key, &number, &row)) return error;
  pieces->told = RowTerms::told(row.terms) | always_told();
  const auto next = [&](std::uint32_t i, RowCopy* copy) { return copy_row(number + i, copy); };
  return cut_pieces(wanted, number, row, next, pieces);
}

int ProtectionView::copy(std::uint64_t key, std::uint32_t* number, RowCopy (&rows)[kMaxRegionRows],
                         std::uint32_t* count, std::uint32_t* told) noexcept {
  if (const int error = find(key, number, &rows[0])) return error;
  *count = std::min(std::max(RowTerms::rows(rows[0].terms), 1u), kMaxRegionRows);
  *told = always_told();
  for (std::uint32_t i = 1; i < *count; ++i)
    if (!copy_row(*number + i, &rows[i]) || rows[i].key != key || RowTerms::number(rows[i].terms) != i)
      return -EKEYREJECTED;
  return 0;
}

}  // namespace anchor
