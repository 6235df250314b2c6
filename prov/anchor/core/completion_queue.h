// SPDX-License-Identifier: BSD-2-Clause
// A completion queue: filled by protocols, drained by the application.
//
// Thread-safety: push, push_error and read take the queue's own lock (a no-op where the application serialises).
// Never loses an entry: past `capacity` entries go to an overflow list, and full() tells submit and progress to stop
// taking on work that would produce more (fi_cq(3): a provider with resource management does not overrun).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "os/endpoint_name.h"
#include "os/lock.h"

namespace anchor {

// One entry, in the superset of libfabric's entry formats. abi/cq.cpp narrows it to the format the queue was opened with.
struct Completion {
  void* context;
  std::uint64_t flags;       // FI_SEND, FI_RECV, FI_TAGGED, FI_MSG, FI_REMOTE_CQ_DATA, FI_MULTI_RECV ... verbatim
  std::size_t length;        // bytes received
  void* buffer;              // where in a multi-receive buffer
  std::uint64_t data;        // remote CQ data
  std::uint64_t tag;
  std::uint64_t source;      // fi_addr_t, kAnyAddress when the peer is not in the address vector
};
static_assert(sizeof(Completion) == 56);

struct CompletionError {
  Completion completion;
  std::size_t overflow_length;  // bytes of the message that did not fit (truncation)
  int error;                    // positive, an errno or fi_errno value
  int provider_error;
  EndpointName source_name;     // the raw source address for FI_SOURCE_ERR; empty otherwise
};

class CompletionQueue {
 public:
  CompletionQueue(std::size_t capacity, bool locked);

  // Never fails; allocates only past `capacity`.
  void push(const Completion& completion);
  void push_error(const CompletionError& error);

  // Whether new work must wait until the application has read. Exact enough without the lock.
  bool full() const noexcept;

  // Hands up to `count` entries in order to `emit(const Completion&, std::size_t position)`.
  // Returns how many, -EAGAIN when empty, -kErrorAvailable when the next one is an error.
  template <class Emit>
  std::ptrdiff_t read(std::size_t count, Emit&& emit);

  // Takes the error at the head. -EAGAIN when the next entry is none.
  int read_error(CompletionError* error);

 private:
  struct Impl;  // for the author of this file: choose the representation; hot members first, cache-line thought given
};

}  // namespace anchor
