// SPDX-License-Identifier: BSD-2-Clause
// fi_cq(3): a completion queue, and the endpoints that reading it drives.
//
// Thread-safe as its domain promises. Lock order: the group's, an endpoint's, the queue's.
#pragma once

#include <rdma/fi_eq.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

#include "abi/domain.h"
#include "abi/fid.h"
#include "abi/names.h"
#include "abi/wait_set.h"
#include "core/completion_queue.h"
#include "dispatch/progress_group.h"
#include "os/lock.h"
#include "os/wait_condition.h"

namespace anchor {

class Cq final : public fid_cq {
 public:
  Cq(Domain& domain, const fi_cq_attr& attr, std::size_t capacity, void* context);
  Cq(const Cq&) = delete;
  Cq& operator=(const Cq&) = delete;

  static Cq& from(fid_cq* descriptor) noexcept { return static_cast<Cq&>(*descriptor); }

  // An empty queue is read again after progress was made. A count of zero asks for progress only (fi_cq(3)).
  template <class Emit>
  std::ptrdiff_t read(std::size_t count, Emit&& emit) noexcept {
    if (queue_.empty() || count == 0) group_.progress();
    return queue_.read(count, emit);
  }

  ssize_t read_error(fi_cq_err_entry* entry) noexcept;

  // Ends the wait of every thread that is in a blocking read now, or of the next one to come. Sequentially consistent,
  // against a sleeper that arms and then looks, as the counter's values are.
  void signal() noexcept {
    signals_.fetch_add(1, std::memory_order_seq_cst);
    group_.interrupt();
  }
  // What signalled() compares with; to be asked once when a wait begins.
  std::uint32_t signals_seen() const noexcept { return signals_seen_.load(std::memory_order_relaxed); }
  bool signalled(std::uint32_t seen) noexcept;
  bool signal_pending(std::uint32_t seen) const noexcept { return signals_.load(std::memory_order_seq_cst) != seen; }

  // fi_trywait(3): 0: nothing is there, and the descriptor becomes readable when there may be; -FI_EAGAIN: read first.
  int try_wait() noexcept;
  int open_wait() noexcept { return group_.open_wait(); }
  int wait_descriptor() const noexcept { return group_.wait_descriptor(); }
  // FI_CQ_COND_THRESHOLD: a blocking read waits for as many entries as its condition says.
  bool waits_for_threshold() const noexcept { return waits_for_threshold_; }

  CompletionQueue& queue() noexcept { return queue_; }
  ProgressGroup& group() noexcept { return group_; }
  WaitCondition& condition() noexcept { return condition_; }
  Domain& domain() const noexcept { return *domain_; }
  fi_wait_obj wait_object() const noexcept { return wait_object_; }

  UseCount uses;

 private:
  void give_error_data(const CompletionError& error, fi_cq_err_entry* entry) noexcept;
  void* lend(const Address& source) noexcept;

  CompletionQueue queue_;
  ProgressGroup group_;
  Use<Domain> domain_;
  const fi_wait_obj wait_object_;
  const bool waits_for_threshold_;
  std::atomic<std::uint32_t> signals_{0};
  std::atomic<std::uint32_t> signals_seen_{0};
  // Error data of an application that brought no buffer for it, whole until the queue is read again. Threads that read
  // errors at once and want to tell their data apart bring buffers.
  Lock lent_lock_;
  Address lent_;
  WaitCondition condition_;  // FI_WAIT_MUTEX_COND; follows the descriptor

 public:
  Membership membership;  // FI_WAIT_SET; goes first, while what it speaks of is whole
};

int open_completion_queue(Domain& domain, fi_cq_attr* attr, fid_cq** cq, void* context) noexcept;

}  // namespace anchor
