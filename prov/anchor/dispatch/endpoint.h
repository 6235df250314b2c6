// SPDX-License-Identifier: BSD-2-Clause
// An endpoint as the ABI layer sees it: set up, submit work, make progress, close.
//
// Thread-safety: calls take the endpoint's lock (a no-op when settings.locked is false), but for names and bindings
// other than a counter's, which do not change after enable(). Lock order: ProgressGroup -> Endpoint -> CompletionQueue,
// or AddressVector. Ownership: the endpoint owns its region, peers and requests; it borrows the queues, counters and
// address vector bound to it, which must outlive it (libfabric: -FI_EBUSY otherwise).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/atomic_work.h"
#include "core/endpoint_settings.h"
#include "core/remote_work.h"
#include "core/work_request.h"
#include "os/clock.h"
#include "os/endpoint_name.h"

namespace anchor {

class AddressVector;
class CompletionQueue;
class Counter;
class Device;
class MemoryRegistry;
struct Exchange;

class Endpoint {
 public:
  Endpoint(Device& device, const EndpointSettings& settings);
  ~Endpoint();  // gives queued injected messages and owed acknowledgements a bounded time to leave

  // Before enable(), else -EBUSY; -EINVAL: no well-formed name. An endpoint has a unique name from the start; an empty
  // one gives it another.
  int set_name(const EndpointName& name);
  // Likewise, for a name that ends in ":0": enable() puts a free port in the place of the 0.
  int set_name_with_free_port(const EndpointName& name);
  // Likewise, for a name that has no port yet: it is the endpoint's, or with a free port behind it where it is taken.
  int set_name_or_free_port(const EndpointName& name);
  const EndpointName& name() const noexcept;

  // Makes the endpoint findable under its name.
  // -EADDRINUSE: a living endpoint has the name, or no port is free. Otherwise what Device::create and
  // LocalRegion::publish say.
  int enable();
  bool enabled() const noexcept;

  void bind(AddressVector* addresses) noexcept;
  void bind_transmit_queue(CompletionQueue* queue) noexcept;
  void bind_receive_queue(CompletionQueue* queue) noexcept;
  void bind_send_counter(Counter* counter) noexcept;     // FI_SEND; allowed after enable()
  void bind_receive_counter(Counter* counter) noexcept;  // FI_RECV; allowed after enable()
  // FI_READ and FI_WRITE, and those that peers do here; allowed after enable().
  void bind_read_counter(Counter* counter) noexcept;
  void bind_write_counter(Counter* counter) noexcept;
  void bind_remote_read_counter(Counter* counter) noexcept;
  void bind_remote_write_counter(Counter* counter) noexcept;

  // The memory that peers may reach; nothing without it. Before enable().
  void bind(MemoryRegistry* memory) noexcept;
  // The name that MemoryRegion::endpoint has for this endpoint.
  const void* identity() const noexcept;

  // Takes on a request. -EAGAIN: no room now, make progress and call again; -EINVAL: unknown address or segments.
  int submit(const WorkRequest& request) noexcept {
    return is_receive(request.type) ? submit_receive(request) : submit_send(request);
  }

  // The same for operations on a peer's memory.
  int submit_remote(const RemoteWork& request) noexcept;
  int submit_atomic(const AtomicWork& request) noexcept;

  // Ends a request that submit() has refused as if it had been taken on. `error`: positive errno value.
  void report_failure(const WorkRequest& request, int error) noexcept;

  // Cancels one posted receive with this context. 0, or -ENOENT when none is posted (it may just have completed).
  // A cancelled receive gives an error entry with ECANCELED.
  int cancel(void* context) noexcept;

  // One pass over everything that can move; bounded work. Returns whether anything came in.
  bool progress() noexcept;

  // Sleeping until something is to be done. Whoever waits for this endpoint counts as a sleeper from its first
  // fall_asleep(true) until end_sleep(); in between it may fall asleep again and again.
  //
  // A descriptor that is readable while there may be something to do for who fell asleep. Requires enabled(). A negated
  // errno value: there is none, poll.
  int wait_object() noexcept;
  // Likewise, readable when a peer may have died. A negated errno value: nobody tells of that.
  int death_notices() noexcept;
  // As fall_asleep() in sleeping.h.
  bool fall_asleep(bool first, TimePoint* alarm) noexcept;
  void end_sleep() noexcept;

  std::size_t min_multi_receive() const noexcept;
  void set_min_multi_receive(std::size_t bytes) noexcept;

 private:
  int submit_send(const WorkRequest& request) noexcept;
  int submit_receive(const WorkRequest& request) noexcept;
  template <int (*kSubmit)(Exchange&, const WorkRequest&) noexcept>
  int submit_locked(const WorkRequest& request) noexcept;

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace anchor
