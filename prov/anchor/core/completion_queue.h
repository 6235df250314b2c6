// SPDX-License-Identifier: BSD-2-Clause
// A completion queue: filled by protocols, drained by the application.
//
// Thread-safety: push, push_error and read take the queue's own lock (a no-op where the application serialises). A poll
// of an empty queue takes none.
// Never loses an entry unnoticed: past `capacity` entries go to an overflow list, and full() tells submit and progress
// to stop taking on work that would produce more (fi_cq(3): a provider with resource management does not overrun). Only
// when the overflow list finds no memory is an entry lost, and then an error entry (kOverrun) stands in its place.
#pragma once

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <memory_resource>

#include "core/wake_source.h"
#include "os/cacheline.h"
#include "os/endpoint_name.h"
#include "os/lock.h"
#include "os/status.h"

namespace anchor {

// One entry, in the superset of libfabric's entry formats. abi/cq_format.h narrows it to the format the queue was
// opened with.
struct Completion {
  void* context;
  std::uint64_t flags;  // FI_SEND, FI_RECV, FI_TAGGED, FI_MSG, FI_REMOTE_CQ_DATA, FI_MULTI_RECV ... verbatim
  std::size_t length;   // bytes received
  void* buffer;         // where in a multi-receive buffer
  std::uint64_t data;   // remote CQ data
  std::uint64_t tag;
  std::uint64_t source;  // fi_addr_t or user identifier, kAnyAddress when the peer is not in the address vector
};
static_assert(sizeof(Completion) == 56);

struct CompletionError {
  Completion completion;
  std::size_t overflow_length;  // bytes of the message that did not fit (truncation)
  int error;                    // positive, an errno or fi_errno value
  int provider_error;
  EndpointName source_name;  // the raw source address for FI_SOURCE_ERR; empty otherwise
};

class CompletionQueue final : public WakeSource {
 public:
  // `memory` serves the overflow list and errors; it must outlive the queue. Throws std::bad_alloc.
  CompletionQueue(std::size_t capacity, bool locked,
                  std::pmr::memory_resource* memory = std::pmr::new_delete_resource());
  CompletionQueue(const CompletionQueue&) = delete;
  CompletionQueue& operator=(const CompletionQueue&) = delete;

  // Never fails; allocates only past `capacity`.
  void push(const Completion& completion) noexcept;
  void push_error(const CompletionError& error) noexcept;

  // push() as it is mostly: nobody shares the queue, nobody sleeps on it, and there is room. Without any call, so that
  // a protocol's own usual case is one function without a frame. Requires: takes_at_once().
  bool takes_at_once() const noexcept {
    return tail_.load(std::memory_order_relaxed) - head_.load(std::memory_order_relaxed) < limit_at_once_;
  }
  void push_at_once(const Completion& completion) noexcept {
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
    ring_[tail & mask_] = completion;
    tail_.store(tail + 1, std::memory_order_relaxed);
  }

  // Whether new work must wait until the application has read. Exact enough without the lock.
  bool full() const noexcept {
    return tail_.load(std::memory_order_relaxed) - head_.load(std::memory_order_relaxed) >= capacity_;
  }

  // Neither an entry nor an error is there. A hint without the lock: what another thread pushes just now is found by
  // the next look.
  bool empty() const noexcept {
    const std::uint64_t head = head_.load(std::memory_order_relaxed);
    return tail_.load(std::memory_order_relaxed) == head && next_error_.load(std::memory_order_relaxed) != head;
  }

  // Hands up to `count` entries in order to `emit(const Completion&, std::size_t position)`, which must not throw.
  // Returns how many, -EAGAIN when empty, -kErrorAvailable when the next one is an error.
  template <class Emit>
  std::ptrdiff_t read(std::size_t count, Emit&& emit) noexcept;

  // Takes the error at the head. -EAGAIN when the next entry is none.
  int read_error(CompletionError* error) noexcept;

  std::size_t capacity() const noexcept { return capacity_; }
  // Successful entries. A hint, as empty() is.
  std::size_t size() const noexcept {
    return tail_.load(std::memory_order_relaxed) - head_.load(std::memory_order_relaxed);
  }
  // Where the next successful entry goes, and whether those before `position` have been read. Hints, likewise.
  std::uint64_t position() const noexcept { return tail_.load(std::memory_order_relaxed); }
  bool was_read(std::uint64_t position) const noexcept { return head_.load(std::memory_order_relaxed) >= position; }
  bool has_error() const noexcept { return next_error_.load(std::memory_order_relaxed) != kNever; }

  // The lock that arming shares with pushing decides which of the two came first.
  void arm(WaitFd& wake) noexcept override;
  void disarm() noexcept override;

 private:
  static constexpr std::uint64_t kNever = ~0ull;

  // Positions count successful entries since the queue was opened. An error has the position of the entry behind it.
  struct PlacedError {
    std::uint64_t position;
    CompletionError error;
  };

  template <class Emit>
  std::ptrdiff_t hand_out(std::uint64_t head, std::size_t count, Emit& emit) noexcept;
  template <class Emit>
  std::ptrdiff_t read_with_care(std::size_t count, Emit& emit) noexcept;
  // By value, so that a completion whose address nobody takes is written to the ring from registers.
  void push_slowly(Completion completion) noexcept;
  void push_overflow(const Completion& completion) noexcept;
  void wake_sleeper() noexcept;
  void set_limit(std::size_t limit) noexcept;
  void refill() noexcept;
  void note_loss() noexcept;
  void place_next_error() noexcept;
  std::uint64_t end() const noexcept { return tail_.load(std::memory_order_relaxed) + overflow_.size(); }

  const std::size_t capacity_;
  std::size_t limit_;          // capacity_; 0 while armed, so that a push need not ask
  std::size_t limit_at_once_;  // limit_; 0 where there is a lock, likewise
  const std::size_t mask_;
  const std::unique_ptr<Completion[]> ring_;  // a power of two of entries, at least capacity_
  Lock lock_;

  // Written under the lock, read without it as hints: relaxed, since an entry is only touched under the lock. The line
  // of the filling side is kept apart from that of the draining side, as they may be two threads.
  alignas(kWriterSpacing) std::atomic<std::uint64_t> tail_{0};  // position of the next entry of the ring
  std::atomic<std::uint64_t> next_error_{kNever};               // position of the earliest error
  alignas(kWriterSpacing) std::atomic<std::uint64_t> head_{0};  // position of the next entry to be read

  // Cold. The overflow's entries follow the ring's, so it has some only while the ring is full.
  alignas(kWriterSpacing) std::pmr::list<Completion> overflow_;
  std::pmr::list<PlacedError> errors_;
  std::uint64_t loss_ = kNever;  // position where entries are missing
  WaitFd* wake_ = nullptr;       // armed
};

inline void CompletionQueue::push(const Completion& completion) noexcept {
  LockGuard guard(lock_);
  const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
  if (tail - head_.load(std::memory_order_relaxed) >= limit_) [[unlikely]]
    return push_slowly(completion);
  push_at_once(completion);
}

template <class Emit>
[[gnu::always_inline]] inline std::ptrdiff_t CompletionQueue::hand_out(std::uint64_t head, std::size_t count,
                                                                       Emit& emit) noexcept {
  const Completion* const ring = ring_.get();
  const std::size_t mask = mask_;
  for (std::size_t i = 0; i < count; ++i) emit(ring[(head + i) & mask], i);
  head_.store(head + count, std::memory_order_relaxed);
  return static_cast<std::ptrdiff_t>(count);
}

// Mostly nobody shares the queue, it did not overflow, and holds no error: then there is nothing to be called.
template <class Emit>
[[gnu::always_inline]] inline std::ptrdiff_t CompletionQueue::read(std::size_t count, Emit&& emit) noexcept {
  const std::uint64_t head = head_.load(std::memory_order_relaxed);
  const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
  if (lock_.enabled() || has_error() || !overflow_.empty()) [[unlikely]]
    return read_with_care(count, emit);
  if (tail == head) return -EAGAIN;
  return hand_out(head, std::min<std::size_t>(count, tail - head), emit);
}

template <class Emit>
[[gnu::noinline]] std::ptrdiff_t CompletionQueue::read_with_care(std::size_t count, Emit& emit) noexcept {
  if (empty()) return -EAGAIN;

  LockGuard guard(lock_);
  const std::uint64_t head = head_.load(std::memory_order_relaxed);
  const std::size_t available =
      std::min(tail_.load(std::memory_order_relaxed), next_error_.load(std::memory_order_relaxed)) - head;
  if (available == 0) [[unlikely]]
    return next_error_.load(std::memory_order_relaxed) == head ? -kErrorAvailable : -EAGAIN;
  const std::ptrdiff_t taken = hand_out(head, std::min(count, available), emit);
  if (!overflow_.empty()) [[unlikely]]
    refill();
  return taken;
}

}  // namespace anchor
