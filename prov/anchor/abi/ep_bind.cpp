// SPDX-License-Identifier: BSD-2-Clause
// fi_ep_bind(3): which objects an endpoint takes, and when.
#include <rdma/fi_errno.h>

#include "abi/capabilities.h"
#include "abi/ep.h"
#include "os/log.h"

namespace anchor {
namespace {

constexpr std::uint64_t kCountedEvents = FI_SEND | FI_RECV | FI_READ | FI_WRITE | FI_REMOTE_READ | FI_REMOTE_WRITE;

// An object of another domain has another device, and may not outlive ours.
template <class Object>
int check_domain(const Object& object, const EpCore& core) noexcept {
  return &object.domain() == core.domain.get() ? 0 : -FI_EDOMAIN;
}

}  // namespace

int Ep::bind(fid_t object, std::uint64_t flags) {
  switch (object->fclass) {
    case FI_CLASS_CQ:
      return bind_queue(object_of<Cq, fid_cq>(object), flags);
    case FI_CLASS_CNTR:
      return bind_counter(object_of<Cntr, fid_cntr>(object), flags);
    case FI_CLASS_AV:
      return bind_addresses(object_of<Av, fid_av>(object), flags);
    case FI_CLASS_EQ:
      return bind_events(object_of<Eq, fid_eq>(object), flags);
    default:
      ANCHOR_INFO(kEndpoint, "an object of class %zu cannot be bound to an endpoint", object->fclass);
      return -FI_EINVAL;
  }
}

int Ep::bind_queue(Cq& cq, std::uint64_t flags) {
  const std::uint64_t directions = flags & (FI_TRANSMIT | FI_RECV);
  if ((flags & ~(FI_TRANSMIT | FI_RECV | FI_SELECTIVE_COMPLETION)) != 0) return -FI_EBADFLAGS;
  if (directions == 0) return -FI_EINVAL;
  const int status = check_domain(cq, *core_);
  if (status != 0) return status;
  if (endpoint_->enabled()) return -FI_EOPBADSTATE;
  const bool sends = (directions & FI_TRANSMIT) != 0;
  const bool receives = (directions & FI_RECV) != 0;
  if ((sends && core_->transmit_queue) || (receives && core_->receive_queue)) return -FI_EINVAL;

  const bool selective = (flags & FI_SELECTIVE_COMPLETION) != 0;
  if (sends) {
    core_->transmit_queue = Use<Cq>(cq);
    endpoint_->bind_transmit_queue(&cq.queue());
    defaults_.selective_send = selective;
  }
  if (receives) {
    core_->receive_queue = Use<Cq>(cq);
    endpoint_->bind_receive_queue(&cq.queue());
    defaults_.selective_receive = selective;
  }
  return 0;
}

// Also after fi_enable: Sandia OpenSHMEM does so.
int Ep::bind_counter(Cntr& cntr, std::uint64_t flags) {
  struct Place {
    std::uint64_t event;
    Use<Cntr>* holder;
    void (Endpoint::*bind)(Counter*) noexcept;
  };
  EpCore& core = *core_;
  const Place places[] = {
      {FI_SEND, &core.send_counter, &Endpoint::bind_send_counter},
      {FI_RECV, &core.receive_counter, &Endpoint::bind_receive_counter},
      {FI_READ, &core.read_counter, &Endpoint::bind_read_counter},
      {FI_WRITE, &core.write_counter, &Endpoint::bind_write_counter},
      {FI_REMOTE_READ, &core.remote_read_counter, &Endpoint::bind_remote_read_counter},
      {FI_REMOTE_WRITE, &core.remote_write_counter, &Endpoint::bind_remote_write_counter},
  };
  if ((flags & ~kCountedEvents) != 0) return -FI_EBADFLAGS;
  if (flags == 0) return -FI_EINVAL;
  const int status = check_domain(cntr, *core_);
  if (status != 0) return status;
  for (const Place& place : places)
    if ((flags & place.event) != 0 && *place.holder) return -FI_EINVAL;

  if (endpoint_->enabled()) {
    prepare_sleep();
    cntr.group().join(endpoint_);
  }
  for (const Place& place : places) {
    if ((flags & place.event) == 0) continue;
    *place.holder = Use<Cntr>(cntr);
    (endpoint_->*place.bind)(&cntr.counter());
  }
  return 0;
}

int Ep::bind_addresses(Av& av, std::uint64_t flags) {
  if (flags != 0) return -FI_EBADFLAGS;
  const int status = check_domain(av, *core_);
  if (status != 0) return status;
  if (endpoint_->enabled()) return -FI_EOPBADSTATE;
  if (core_->addresses) return -FI_EINVAL;
  core_->addresses = Use<Av>(av);
  endpoint_->bind(&av.addresses());
  return 0;
}

// A connectionless endpoint has no events of its own; the queue is held for the application's sake.
int Ep::bind_events(Eq& eq, std::uint64_t flags) {
  if (flags != 0) return -FI_EBADFLAGS;
  if (core_->event_queue) return -FI_EINVAL;
  core_->event_queue = Use<Eq>(eq);
  return 0;
}

}  // namespace anchor
