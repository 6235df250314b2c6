// SPDX-License-Identifier: BSD-2-Clause
// fi_poll(3): a poll set, progress of several queues and counters and which of them have something. Thread-safe.
#pragma once

#include <rdma/fi_eq.h>

#include <cstdint>
#include <mutex>
#include <vector>

#include "abi/cntr.h"
#include "abi/cq.h"
#include "abi/domain.h"
#include "abi/fid.h"

namespace anchor {

class PollSet final : public fid_poll {
 public:
  explicit PollSet(Domain& domain);
  PollSet(const PollSet&) = delete;
  PollSet& operator=(const PollSet&) = delete;

  static PollSet& from(fid_poll* descriptor) noexcept { return static_cast<PollSet&>(*descriptor); }

  int add(::fid* object);           // may throw std::bad_alloc
  int remove(const ::fid* object);  // -FI_EINVAL: it is no member
  // Contexts of up to `count` members that have something; how many.
  int poll(void** contexts, int count) noexcept;

  UseCount uses;

 private:
  struct Member {
    ::fid* object;
    Use<Cq> queue;  // one of the two
    Use<Cntr> counter;
    std::uint64_t value = 0, errors = 0;  // the counter's, when it was polled last
  };
  static bool has_something(Member& member) noexcept;

  Use<Domain> domain_;
  std::mutex mutex_;  // guards the members
  std::vector<Member> members_;
};

int open_poll_set(Domain& domain, const fi_poll_attr* attr, fid_poll** set) noexcept;

}  // namespace anchor
