// SPDX-License-Identifier: BSD-2-Clause
#include "proto/mapped_rows.h"

#include <algorithm>
#include <atomic>
#include <cerrno>

namespace anchor {
namespace {

// Of all peers. The kernel lets a process have 65530 mappings and 128 TiB of addresses, which are the application's.
constexpr std::uint64_t kMostViews = 8192;
constexpr std::uint64_t kMostBytes = std::uint64_t{16} << 40;

std::atomic<std::uint64_t> all_views{0};
std::atomic<std::uint64_t> all_bytes{0};

// Relaxed: they are counts, and order nothing.
void give_back(std::uint64_t bytes) noexcept {
  all_views.fetch_sub(1, std::memory_order_relaxed);
  all_bytes.fetch_sub(bytes, std::memory_order_relaxed);
}

bool take(std::uint64_t bytes) noexcept {
  if (bytes > kMostBytes) return false;
  const bool views = all_views.fetch_add(1, std::memory_order_relaxed) < kMostViews;
  const bool room = all_bytes.fetch_add(bytes, std::memory_order_relaxed) <= kMostBytes - bytes;
  if (views && room) return true;
  give_back(bytes);
  return false;
}

}  // namespace

// The entry is the row's from now on, unless another one that is mapped and in use has it.
bool MappedRows::take_in(DirectCopy& direct, const ProtectedRow& row, Entry& entry) noexcept {
  if (entry.row.number != row.number || entry.row.generation != row.generation) {
    if (entry.view.first != nullptr && entry.used && entry.row.number != row.number) return false;
    drop(entry);
    entry.row = row;
    entry.uses_left = patience_;
  }
  if (entry.uses_left == 0 || --entry.uses_left != 0) return false;
  return look_into(direct, entry);
}

bool MappedRows::look_into(DirectCopy& direct, Entry& entry) noexcept {
  if (!take(entry.row.length)) return false;
  SharedView view;
  const int error = direct.share(entry.row.address, entry.row.length, lost_, &view);
  if (error != 0) {
    give_back(entry.row.length);
    if (error == -EAGAIN) entry.uses_left = kLastPatience;
    patience_ = std::min(2 * patience_, kLastPatience);
    return false;
  }
  patience_ = kFirstPatience;
  entry.view = std::move(view);
  return true;
}

void MappedRows::drop(Entry& entry) noexcept {
  if (entry.view.first != nullptr) give_back(entry.row.length);
  entry.view = SharedView{};
  entry.row.number = kMaxRows;
  entry.used = false;
}

void MappedRows::drop_all() noexcept {
  for (Entry& entry : entries_) drop(entry);
}

void MappedRows::start_over() noexcept {
  drop_all();
  lost_->store(false, std::memory_order_relaxed);
}

void MappedRows::drop_stale(const ProtectionView& table) noexcept {
  for (Entry& entry : entries_) {
    entry.used = false;
    if (entry.view.first != nullptr && !table.is_current(entry.row.number, entry.row.generation)) drop(entry);
  }
}

std::size_t MappedRows::count() const noexcept {
  return static_cast<std::size_t>(
      std::count_if(entries_, entries_ + kEntries, [](const Entry& entry) { return entry.view.first != nullptr; }));
}

}  // namespace anchor
