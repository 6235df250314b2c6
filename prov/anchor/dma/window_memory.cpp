// SPDX-License-Identifier: BSD-2-Clause
#include "dma/window_memory.h"

#include <cerrno>
#include <iterator>
#include <new>
#include <utility>

#include "dma/window_patience.h"
#include "os/cacheline.h"
#include "os/log.h"

namespace anchor {

// In a forked child the slot's descriptor is closed, and nothing here is its business.
WindowMemory::~WindowMemory() {
  if (lock_) window_.withdraw(slot_);
}

WindowMemory::Pieces::iterator WindowMemory::containing(const void* address) noexcept {
  const auto offset = static_cast<std::uint64_t>(static_cast<const std::byte*>(address) - window_.own().base());
  auto next = taken_.upper_bound(offset);
  if (next == taken_.begin()) return taken_.end();
  const auto piece = std::prev(next);
  return offset - piece->first < piece->second.bytes ? piece : taken_.end();
}

int WindowMemory::take_slot() noexcept {
  if (lock_) return 0;
  const int error = take_patiently(window_, [this] { return window_.home().take_memory_slot(&lock_, &slot_); });
  if (error == -ENOSPC)
    ANCHOR_WARN(kDomain, "window %s: %u domains of host %u have memory of their own already: no more",
                window_.own().path().c_str(), kMemorySlots, window_.host());
  return error;
}

int WindowMemory::explain_shortage(std::uint64_t bytes) const noexcept {
  const WindowPages::Room room = window_.home().pages().room();
  ANCHOR_WARN(kDomain,
              "window %s is full: %llu bytes wanted for an application, %llu of host %u's %llu are free, %llu of them "
              "in a row; enlarge the window, or use fewer endpoints or peers",
              window_.own().path().c_str(), static_cast<unsigned long long>(bytes),
              static_cast<unsigned long long>(room.bytes), window_.host(),
              static_cast<unsigned long long>(window_.own().size()), static_cast<unsigned long long>(room.longest));
  return -ENOSPC;
}

// From the end of the first that is long enough.
bool WindowMemory::take_kept(std::uint64_t bytes, Pieces::iterator* piece) {
  for (auto kept = kept_.begin(); kept != kept_.end(); ++kept) {
    if (kept->second.bytes < bytes) continue;
    *piece = taken_.emplace(kept->first + kept->second.bytes - bytes, Piece{bytes, true}).first;
    kept->second.bytes -= bytes;
    if (kept->second.bytes == 0) kept_.erase(kept);
    return true;
  }
  return false;
}

int WindowMemory::claim(std::uint64_t bytes, Pieces::iterator* piece) {
  if (bytes > window_.own().size()) return explain_shortage(bytes);
  if (const int error = take_slot()) return error;
  Pieces made;  // before anything is taken that a lack of memory would lose
  const auto node = made.emplace(0, Piece{bytes, false}).first;
  std::uint64_t offset;
  const int error = take_patiently(window_, [&] { return window_.home().pages().claim(slot_, bytes, &offset); });
  if (error != 0) return error == -ENOSPC ? explain_shortage(bytes) : error;
  auto handle = made.extract(node);
  handle.key() = offset;
  *piece = taken_.insert(std::move(handle)).position;
  return 0;
}

int WindowMemory::allocate(std::size_t bytes, std::byte** address) noexcept try {
  if (bytes == 0 || bytes > SIZE_MAX - kPageSize) return -EINVAL;
  if (window_.own().lost()) return -EIO;
  const std::uint64_t whole = round_up(bytes, kPageSize);
  const std::lock_guard guard(mutex_);
  Pieces::iterator piece;
  if (!take_kept(whole, &piece))
    if (const int error = claim(whole, &piece)) return error;
  *address = window_.own().base() + piece->first;
  window_.own().clear(piece->first, whole);
  return 0;
} catch (const std::bad_alloc&) {
  return -ENOMEM;
}

// Together with what lies next to it.
void WindowMemory::keep(Pieces::node_type&& piece) noexcept {
  auto at = kept_.insert(std::move(piece)).position;
  const auto next = std::next(at);
  if (next != kept_.end() && at->first + at->second.bytes == next->first) {
    at->second.bytes += next->second.bytes;
    kept_.erase(next);
  }
  if (at == kept_.begin()) return;
  const auto before = std::prev(at);
  if (before->first + before->second.bytes != at->first) return;
  before->second.bytes += at->second.bytes;
  kept_.erase(at);
}

int WindowMemory::free(const void* address) noexcept {
  const std::lock_guard guard(mutex_);
  const auto piece = containing(address);
  if (piece == taken_.end() || window_.own().base() + piece->first != address) return -EINVAL;
  if (piece->second.shown) {
    keep(taken_.extract(piece));
    return 0;
  }
  if (lock_) window_.home().pages().release(piece->first, piece->second.bytes);
  taken_.erase(piece);
  return 0;
}

DeviceMemoryRoom WindowMemory::room() noexcept {
  const WindowPages::Room room = window_.home().pages().room();
  const std::lock_guard guard(mutex_);
  DeviceMemoryRoom all{.total = window_.own().size(),
                       .free_bytes = room.bytes,
                       .longest = room.longest,
                       .allocated = 0,
                       .granularity = kPageSize,
                       .host = window_.host(),
                       .hosts = window_.hosts()};
  for (const auto& piece : taken_) all.allocated += piece.second.bytes;
  for (const auto& piece : kept_) {
    all.free_bytes += piece.second.bytes;
    if (piece.second.bytes > all.longest) all.longest = piece.second.bytes;
  }
  return all;
}

int WindowMemory::find(const void* address, std::byte** start, std::size_t* bytes) noexcept {
  const std::lock_guard guard(mutex_);
  const auto piece = containing(address);
  if (piece == taken_.end()) return -ENOENT;
  *start = window_.own().base() + piece->first;
  *bytes = piece->second.bytes;
  return 0;
}

std::uint64_t WindowMemory::place_of(const void* address, std::size_t bytes) noexcept {
  const std::lock_guard guard(mutex_);
  const auto piece = containing(address);
  if (piece == taken_.end() || bytes == 0) return 0;
  const auto offset = static_cast<std::uint64_t>(static_cast<const std::byte*>(address) - window_.own().base());
  if (bytes > piece->second.bytes - (offset - piece->first)) return 0;
  piece->second.shown = true;
  return WindowMemoryPlace::pack(slot_, offset);
}

}  // namespace anchor
