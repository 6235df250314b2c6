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

#include "dma/device.h"
#include "dma/retrieval.h"
#include "fifo/fifo_layout.h"
#include "os/cacheline.h"

namespace anchor {

// The writer's side: one byte of a peer's board, and waking the peer if it sleeps (sleep_line.h).
class Bell {
 public:
  Bell() noexcept = default;
  // Goes on from the count that a former writer of the place left, so that the first ring() changes it. `owner`, which
  // must outlive this, sleeps while `line` says so; without them the board is all there is.
  explicit Bell(std::byte* place, const SleepLine* line = nullptr, Sleeper* owner = nullptr) noexcept
      : place_(reinterpret_cast<std::atomic<std::uint8_t>*>(place)),
        count_(place_->load(std::memory_order_relaxed)),
        line_(line),
        owner_(owner) {}
  // Of an owner on another host, in memory of that type. It sleeps while `owner` says that it has told so; without one
  // the board is all there is.
  Bell(std::byte* place, MemoryType memory, Sleeper* owner = nullptr) noexcept
      : place_(reinterpret_cast<std::atomic<std::uint8_t>*>(place)), memory_(memory), owner_(owner) {
    const Retrieval setup;
    refresh(memory, place, 1);
    count_ = place_->load(std::memory_order_relaxed);
  }

  // W3, and R4, paired with A4: whoever sees the count finds what was published before it.
  void ring() noexcept {
    if (place_ == nullptr) return;
    place_->store(++count_, std::memory_order_release);
    if (line_ == nullptr) push(memory_, place_, 1);
    if (owner_ != nullptr) wake_if_asleep();
  }

 private:
  void wake_if_asleep() noexcept;

  std::atomic<std::uint8_t>* place_ = nullptr;
  std::uint8_t count_ = 0;
  MemoryType memory_ = MemoryType::kCoherent;
  const SleepLine* line_ = nullptr;
  Sleeper* owner_ = nullptr;
  std::uint64_t woken_ = 0;  // the epoch that was ended last: one wake-up is enough for each
};

// The reader's side. Used under the endpoint's lock.
class NotificationBoard {
 public:
  // `bytes`: `count` of them in our own header, a multiple of 64.
  NotificationBoard(const std::byte* bytes, std::uint32_t count)
      : words_(reinterpret_cast<const std::atomic<std::uint64_t>*>(bytes)), seen_(count / 8, 0), lines_in_use_(1) {}
  // In memory of that type, a line for each of them.
  NotificationBoard(const std::byte* bytes, std::uint32_t count, MemoryType memory)
      : words_(reinterpret_cast<const std::atomic<std::uint64_t>*>(bytes)),
        seen_(count, 0),
        lines_in_use_(1),
        memory_(memory),
        spread_(true) {}

  // Bytes from `index` on are going to be used: look at their line from now on.
  void use(std::uint32_t index) noexcept {
    if (index / kCacheLine + 1 > lines_in_use_) lines_in_use_ = index / kCacheLine + 1;
  }

  // Looks at one line, or at what would be one if it were not spread, the next in turn, and calls `visit(index)` for
  // each byte that changed.
  template <class Visit>
  void scan(Visit&& visit) {
    line_ = line_ + 1 < lines_in_use_ ? line_ + 1 : 0;
    scan_line(line_, visit);
  }

  // The same for all lines.
  template <class Visit>
  void scan_all(Visit&& visit) {
    for (std::size_t line = 0; line < lines_in_use_; ++line) scan_line(line, visit);
  }

 private:
  template <class Visit>
  void scan_line(std::size_t line, Visit& visit) {
    if (spread_) [[unlikely]]
      return scan_spread(line * kCacheLine, visit);
    const std::size_t first = line * 8;
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

  template <class Visit>
  void scan_spread(std::size_t first, Visit& visit) {
    for (std::size_t index = first; index < first + kCacheLine && index < seen_.size(); ++index) {
      const std::atomic<std::uint64_t>& word = words_[index * kCacheLine / 8];
      refresh(memory_, &word, sizeof word);
      const std::uint64_t now = word.load(std::memory_order_acquire);  // A4
      if (now == seen_[index]) continue;
      seen_[index] = now;
      visit(static_cast<std::uint32_t>(index));
    }
  }

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
  MemoryType memory_ = MemoryType::kCoherent;
  bool spread_ = false;
};

}  // namespace anchor
