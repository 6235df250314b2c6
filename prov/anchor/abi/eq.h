// SPDX-License-Identifier: BSD-2-Clause
// fi_eq(3). Thread-safe: nothing here is on a message path.
#pragma once

#include <rdma/fi_eq.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <span>

#include "abi/fabric.h"
#include "abi/fid.h"
#include "abi/wait_set.h"
#include "core/event_queue.h"
#include "os/wait_condition.h"
#include "os/wait_fd.h"

namespace anchor {

class Eq final : public fid_eq {
 public:
  Eq(Fabric& fabric, const fi_eq_attr& attr, void* context);
  Eq(const Eq&) = delete;
  Eq& operator=(const Eq&) = delete;

  static Eq& from(fid_eq* descriptor) noexcept { return static_cast<Eq&>(*descriptor); }

  // Events of the provider's own: kept back while the queue is full, never lost. Throw std::bad_alloc.
  void post(std::uint32_t type, const fi_eq_entry& entry);
  void post_error(const EventError& error);

  ssize_t write(std::uint32_t type, std::span<const std::byte> payload) noexcept;
  ssize_t read(std::uint32_t* type, std::span<std::byte> payload, std::uint64_t flags) noexcept;
  // As read, but waits up to `timeout` milliseconds (negative: without end) for an event.
  ssize_t wait(std::uint32_t* type, std::span<std::byte> payload, int timeout, std::uint64_t flags) noexcept;
  ssize_t read_error(fi_eq_err_entry* entry, std::uint64_t flags) noexcept;

  fi_wait_obj wait_object() const noexcept { return wait_object_; }
  // fi_trywait(3): 0: nothing is there, and the descriptor becomes readable with the next event; -FI_EAGAIN: read
  // first.
  int try_wait() noexcept;
  int open_wait() noexcept { return wait_.open(); }
  int wait_descriptor() const noexcept { return wait_.fd(); }
  WaitCondition& condition() noexcept { return condition_; }
  std::uint32_t version() const noexcept { return fabric_->api_version; }

  UseCount uses;

 private:
  struct Held {
    std::uint32_t type;
    fi_eq_entry entry;
  };
  ssize_t read_locked(std::uint32_t* type, std::span<std::byte> payload, bool peek) noexcept;
  void release_held() noexcept;
  void announce() noexcept;

  Use<Fabric> fabric_;
  const bool writable_;
  const fi_wait_obj wait_object_;
  std::mutex mutex_;  // guards all that follows
  std::condition_variable arrived_;
  std::deque<Held> held_;
  EventQueue queue_;
  WaitFd wait_;              // readable from an event until try_wait() finds none
  WaitCondition condition_;  // FI_WAIT_MUTEX_COND; follows the descriptor

 public:
  Membership membership;  // FI_WAIT_SET; goes first, while what it speaks of is whole
};

int open_event_queue(Fabric& fabric, const fi_eq_attr* attr, fid_eq** eq, void* context) noexcept;

}  // namespace anchor
