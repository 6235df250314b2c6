// SPDX-License-Identifier: BSD-2-Clause
// The notification board: one byte (or, on memory that is not coherent, one line) for each writer, in the reader's
// header. A writer counts its byte up; the reader keeps what it saw last and finds whose byte changed. So each byte has
// one writer, and nothing is ever reset.
//
// On coherent memory 64 writers share a line: byte stores of different CPUs do not disturb each other there.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "os/cacheline.h"

namespace anchor {

// The writer's side: one byte of a peer's board.
class Bell {
 public:
  Bell() noexcept = default;
  // Goes on from the count that a former writer of the place left, so that the first ring() changes it.
  explicit Bell(std::byte* place) noexcept
      : place_(reinterpret_cast<std::atomic<std::uint8_t>*>(place)), count_(place_->load(std::memory_order_relaxed)) {}

  // R4, paired with A4: whoever sees the count finds what was published before it.
  void ring() noexcept {
    if (place_ != nullptr) place_->store(++count_, std::memory_order_release);
  }

 private:
  std::atomic<std::uint8_t>* place_ = nullptr;
  std::uint8_t count_ = 0;
};

// The reader's side. Used under the endpoint's lock.
class NotificationBoard {
 public:
  // `bytes`: `count` of them in our own header, a multiple of 64.
  NotificationBoard(const std::byte* bytes, std::uint32_t count)
      : words_(reinterpret_cast<const std::atomic<std::uint64_t>*>(bytes)), seen_(count / 8, 0), lines_in_use_(1) {}

  // Bytes from `index` on are going to be used: look at their line from now on.
  void use(std::uint32_t index) noexcept {
    if (index / kCacheLine + 1 > lines_in_use_) lines_in_use_ = index / kCacheLine + 1;
  }

  // Looks at one line, the next in turn, and calls `visit(index)` for each byte that changed.
  template <class Visit>
  void scan(Visit&& visit) {
    line_ = line_ + 1 < lines_in_use_ ? line_ + 1 : 0;
    const std::size_t first = line_ * 8;
    std::uint64_t changed = 0;
    // Relaxed: whatever changed is loaded again, with the acquire.
#pragma GCC unroll 8
    for (std::size_t word = first; word < first + 8; ++word)
      changed |= words_[word].load(std::memory_order_relaxed) ^ seen_[word];
    if (changed == 0) [[likely]]
      return;
    for (std::size_t word = first; word < first + 8; ++word)
      visit_changed(word, words_[word].load(std::memory_order_acquire), visit);  // A4
  }

 private:
  template <class Visit>
  void visit_changed(std::size_t word, std::uint64_t now, Visit& visit) {
    const std::uint64_t changed = now ^ seen_[word];
    seen_[word] = now;
    for (unsigned byte = 0; byte < 8; ++byte)
      if (changed >> (8 * byte) & 0xff) visit(static_cast<std::uint32_t>(word * 8 + byte));
  }

  const std::atomic<std::uint64_t>* const words_;
  std::vector<std::uint64_t> seen_;
  std::size_t lines_in_use_;
  std::size_t line_ = 0;
};

}  // namespace anchor
