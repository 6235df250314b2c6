// SPDX-License-Identifier: BSD-2-Clause
// fi_cntr(3): a counter, and the endpoints that reading it drives. Thread-safe as its domain promises.
#pragma once

#include <rdma/fi_eq.h>

#include <atomic>
#include <cstdint>

#include "abi/domain.h"
#include "abi/fid.h"
#include "abi/wait_set.h"
#include "core/counter.h"
#include "dispatch/progress_group.h"
#include "os/wait_condition.h"

namespace anchor {

class Cntr final : public fid_cntr {
 public:
  Cntr(Domain& domain, const fi_cntr_attr& attr, void* context);
  ~Cntr() { domain_->forget(*this); }
  Cntr(const Cntr&) = delete;
  Cntr& operator=(const Cntr&) = delete;

  static Cntr& from(fid_cntr* descriptor) noexcept { return static_cast<Cntr&>(*descriptor); }

  // Until the value is at least `threshold` (0), the error value changes (-FI_EAVAIL) or time is over (-FI_ETIMEDOUT).
  int wait(std::uint64_t threshold, int timeout) noexcept;

  // Both make progress, and are what try_wait() compares with.
  std::uint64_t read() noexcept;
  std::uint64_t read_errors() noexcept;

  // fi_trywait(3): 0: neither value has changed since it was read last, and the descriptor becomes readable when one
  // may have; -FI_EAGAIN: read first.
  int try_wait() noexcept;
  bool changed() const noexcept;
  int open_wait() noexcept { return group_.open_wait(); }
  int wait_descriptor() const noexcept { return group_.wait_descriptor(); }

  Counter& counter() noexcept { return counter_; }
  ProgressGroup& group() noexcept { return group_; }
  WaitCondition& condition() noexcept { return condition_; }
  Domain& domain() const noexcept { return *domain_; }
  fi_wait_obj wait_object() const noexcept { return wait_object_; }

  UseCount uses;

 private:
  Counter counter_;
  ProgressGroup group_;
  Use<Domain> domain_;
  const fi_wait_obj wait_object_;
  // As the application knows them. Relaxed: whoever reads a counter in one thread and waits for it in another has to
  // order the two.
  std::atomic<std::uint64_t> known_value_{0};
  std::atomic<std::uint64_t> known_errors_{0};
  WaitCondition condition_;  // FI_WAIT_MUTEX_COND; follows the descriptor

 public:
  Membership membership;  // FI_WAIT_SET; goes first, while what it speaks of is whole
};

int open_counter(Domain& domain, const fi_cntr_attr* attr, fid_cntr** cntr, void* context) noexcept;

}  // namespace anchor
