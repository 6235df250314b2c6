// SPDX-License-Identifier: BSD-2-Clause
// An endpoint as the ABI layer sees it: set up, submit work, make progress, close.
//
// Thread-safety: everything after enable() takes the endpoint's lock (a no-op when settings.locked is false).
// Lock order: ProgressGroup -> Endpoint -> CompletionQueue. Ownership: the endpoint owns its region, peers and
// requests; it borrows the queues, counters and address vector bound to it, which must outlive it (libfabric: -FI_EBUSY
// otherwise).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/endpoint_settings.h"
#include "core/work_request.h"
#include "os/endpoint_name.h"

namespace anchor {

class AddressVector;
class CompletionQueue;
class Counter;
class Device;

class Endpoint {
 public:
  Endpoint(Device& device, const EndpointSettings& settings);
  ~Endpoint();  // gives queued injected messages and owed acknowledgements a bounded time to leave

  // Before enable(). An empty name lets enable() choose a unique one. -EADDRINUSE surfaces in enable().
  int set_name(const EndpointName& name);
  const EndpointName& name() const noexcept;

  // Whose name is chosen by us? `name` ends with a port of 0: enable() replaces it by a free one.
  int enable();
  bool enabled() const noexcept;

  void bind(AddressVector* addresses) noexcept;
  void bind_transmit_queue(CompletionQueue* queue) noexcept;
  void bind_receive_queue(CompletionQueue* queue) noexcept;
  void bind_send_counter(Counter* counter) noexcept;     // FI_SEND; allowed after enable()
  void bind_receive_counter(Counter* counter) noexcept;  // FI_RECV; allowed after enable()

  // Takes on a request. -EAGAIN: no room now, make progress and call again; -EINVAL: unknown address or segments.
  int submit(const WorkRequest& request) noexcept;

  // Cancels one posted receive with this context. 0, or -ENOENT when none is posted (it may just have completed).
  // A cancelled receive gives an error entry with ECANCELED.
  int cancel(void* context) noexcept;

  // One pass over everything that can move; bounded work. Returns whether anything came in.
  bool progress() noexcept;

  std::size_t min_multi_receive() const noexcept;
  void set_min_multi_receive(std::size_t bytes) noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace anchor
