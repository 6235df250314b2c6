// SPDX-License-Identifier: BSD-2-Clause
#include "core/completion_queue.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <new>
#include <utility>

#include "core/work_request.h"

namespace anchor {
namespace {

std::size_t ring_size(std::size_t capacity) {
  // No array can be larger, and far above it the next power of two would be no std::size_t.
  constexpr std::size_t kMost = std::bit_floor(std::size_t{PTRDIFF_MAX} / sizeof(Completion));
  if (capacity > kMost) throw std::bad_alloc();
  return std::bit_ceil(capacity);
}

}  // namespace

CompletionQueue::CompletionQueue(std::size_t capacity, bool locked, std::pmr::memory_resource* memory)
    : capacity_(std::max<std::size_t>(capacity, 1)),
      limit_(capacity_),
      limit_at_once_(locked ? 0 : capacity_),
      mask_(ring_size(capacity_) - 1),
      ring_(new Completion[mask_ + 1]),
      lock_(locked),
      overflow_(memory),
      errors_(memory) {}

void CompletionQueue::push_slowly(Completion completion) noexcept {
  if (wake_ != nullptr) wake_sleeper();
  const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
  if (tail - head_.load(std::memory_order_relaxed) >= capacity_) return push_overflow(completion);
  ring_[tail & mask_] = completion;
  tail_.store(tail + 1, std::memory_order_relaxed);
}

// The sleeper has to take the lock before it sees anything, so it may be woken before the entry is there.
void CompletionQueue::wake_sleeper() noexcept {
  set_limit(capacity_);
  std::exchange(wake_, nullptr)->signal();
}

void CompletionQueue::arm(WaitFd& wake) noexcept {
  LockGuard guard(lock_);
  wake_ = &wake;
  set_limit(0);
}

void CompletionQueue::disarm() noexcept {
  LockGuard guard(lock_);
  wake_ = nullptr;
  set_limit(capacity_);
}

void CompletionQueue::set_limit(std::size_t limit) noexcept {
  limit_ = limit;
  if (!lock_.enabled()) limit_at_once_ = limit;  // else it is read without the lock, and stays 0
}

void CompletionQueue::push_overflow(const Completion& completion) noexcept try {
  overflow_.push_back(completion);
} catch (const std::bad_alloc&) {
  note_loss();
}

void CompletionQueue::push_error(const CompletionError& error) noexcept {
  LockGuard guard(lock_);
  if (wake_ != nullptr) wake_sleeper();
  try {
    errors_.push_back({end(), error});
  } catch (const std::bad_alloc&) {
    return note_loss();
  }
  place_next_error();
}

int CompletionQueue::read_error(CompletionError* error) noexcept {
  LockGuard guard(lock_);
  const std::uint64_t head = head_.load(std::memory_order_relaxed);
  if (next_error_.load(std::memory_order_relaxed) != head) return -EAGAIN;
  if (loss_ == head) {
    *error = {};
    error->completion.source = kAnyAddress;
    error->error = kOverrun;
    loss_ = kNever;
  } else {
    *error = errors_.front().error;
    errors_.pop_front();
  }
  place_next_error();
  return 0;
}

void CompletionQueue::refill() noexcept {
  std::uint64_t tail = tail_.load(std::memory_order_relaxed);
  const std::uint64_t limit = head_.load(std::memory_order_relaxed) + capacity_;
  for (; tail != limit && !overflow_.empty(); ++tail) {
    ring_[tail & mask_] = overflow_.front();
    overflow_.pop_front();
  }
  tail_.store(tail, std::memory_order_relaxed);
}

// One error entry speaks for all losses until it has been read: it stands where the first one happened.
void CompletionQueue::note_loss() noexcept {
  if (loss_ == kNever) loss_ = end();
  place_next_error();
}

void CompletionQueue::place_next_error() noexcept {
  const std::uint64_t first = errors_.empty() ? kNever : errors_.front().position;
  next_error_.store(std::min(first, loss_), std::memory_order_relaxed);
}

}  // namespace anchor
