// SPDX-License-Identifier: BSD-2-Clause
// Who is told when a request with kDeferred has ended, in place of the endpoint's counters (fi_trigger(3), deferred
// work). It stands in the request's context.
#pragma once

namespace anchor {

class DeferredCompletion {
 public:
  virtual ~DeferredCompletion() = default;

  // The request has ended. Called once, under its endpoint's lock; the object may be gone afterwards.
  virtual void ended(bool success) noexcept = 0;

  void* context = nullptr;  // the application's
};

}  // namespace anchor
