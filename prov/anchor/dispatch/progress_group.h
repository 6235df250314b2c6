// SPDX-License-Identifier: BSD-2-Clause
// The endpoints whose progress a completion queue or counter drives: reading one of those is what makes an
// application's manual progress happen (FI_PROGRESS_MANUAL, fi_domain(3)).
//
// Thread-safe by its own lock, held while the members progress, so that an endpoint that left is never touched again.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "os/lock.h"

namespace anchor {

class DeferredWork;
class Endpoint;

class ProgressGroup {
 public:
  // `deferred`: started by progress, too; nullptr: none.
  explicit ProgressGroup(bool locked, DeferredWork* deferred = nullptr) noexcept : deferred_(deferred), lock_(locked) {}

  void join(Endpoint* endpoint);
  void leave(Endpoint* endpoint) noexcept;
  // One pass of each member. After many passes in which nothing came in, the processor is offered to others now and
  // then: where processes outnumber cores, the peer that is waited for may need this very one.
  void progress() noexcept;

 private:
  bool progress_members() noexcept;

  DeferredWork* const deferred_;
  Lock lock_;
  std::vector<Endpoint*> members_;             // an endpoint bound twice (as transmit and receive queue) stands once
  std::atomic<std::uint32_t> idle_passes_{0};  // relaxed: an estimate, whichever threads poll
};

}  // namespace anchor
