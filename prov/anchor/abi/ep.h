// SPDX-License-Identifier: BSD-2-Clause
// fi_endpoint(3): an endpoint, or an alias of one, as the application holds it, and what both share.
//
// Thread-safety: data transfer as the domain promises; binding, options and control calls are serialised by the
// application against everything else on the endpoint (fi_endpoint(3)), so they may change the tables that calls go
// through.
#pragma once

#include <rdma/fi_endpoint.h>

#include <cstdint>
#include <memory>

#include "abi/av.h"
#include "abi/capabilities.h"
#include "abi/cntr.h"
#include "abi/cq.h"
#include "abi/domain.h"
#include "abi/eq.h"
#include "abi/fid.h"
#include "abi/names.h"
#include "abi/op_flags.h"
#include "dispatch/endpoint.h"

namespace anchor {

// The endpoint proper and the objects bound to it, which outlive it: members are destroyed last to first.
struct EpCore {
  EpCore(Domain& domain, const EndpointSettings& settings, std::uint64_t caps)
      : domain(domain), caps(caps), receive_size(settings.receive_size), endpoint(domain.device(), settings) {
    // Who is no target lets nobody in, whatever is registered.
    if ((caps & kTargetModifiers) != 0) endpoint.bind(&domain.memory());
  }

  bool sends() const noexcept { return (caps & (FI_SEND | kInitiatorModifiers)) != 0; }
  bool receives() const noexcept { return (caps & FI_RECV) != 0; }

  Use<Domain> domain;
  Use<Av> addresses;
  Use<Cq> transmit_queue;
  Use<Cq> receive_queue;
  Use<Cntr> send_counter;
  Use<Cntr> receive_counter;
  // What we do with peers' memory, and they with ours.
  Use<Cntr> read_counter;
  Use<Cntr> write_counter;
  Use<Cntr> remote_read_counter;
  Use<Cntr> remote_write_counter;
  Use<Eq> event_queue;
  const std::uint64_t caps;
  const std::size_t receive_size;
  Address given_address;  // by the application, for fi_getname(3); size 0: it left the choice to us
  Endpoint endpoint;
};

class Ep final : public fid_ep {
 public:
  Ep(Domain& domain, const EndpointSettings& settings, const fi_info& info, void* context);
  Ep(const Ep& aliased, void* context);  // an alias
  ~Ep();
  Ep& operator=(const Ep&) = delete;

  static Ep& from(fid_ep* descriptor) noexcept { return static_cast<Ep&>(*descriptor); }

  int bind(fid_t object, std::uint64_t flags);  // ep_bind.cpp
  int enable();                                 // ep_enable.cpp
  // Before enable(): the name to have by its address (local_name(), names.h).
  int set_name(const void* address, std::size_t size);  // ep_name.cpp
  int control(int command, void* argument);

  Endpoint& endpoint() noexcept { return *endpoint_; }
  const OpDefaults& defaults() const noexcept { return defaults_; }
  EpCore& core() noexcept { return *core_; }
  std::uint64_t transmit_op_flags() const noexcept { return transmit_op_flags_; }
  std::uint64_t receive_op_flags() const noexcept { return receive_op_flags_; }

  UseCount uses;  // by aliases

 private:
  int bind_queue(Cq& cq, std::uint64_t flags);
  int bind_counter(Cntr& cntr, std::uint64_t flags);
  int bind_addresses(Av& av, std::uint64_t flags);
  int bind_events(Eq& eq, std::uint64_t flags);
  template <class Visit>
  void for_each_group(Visit&& visit);
  bool may_sleep() const noexcept;
  void prepare_sleep() noexcept;
  void join_groups();
  void leave_groups() noexcept;
  void install_operations() noexcept;
  int get_op_flags(std::uint64_t* flags) const noexcept;
  int set_op_flags(std::uint64_t flags) noexcept;
  int make_alias(const struct fi_alias& request);

  // What every call reads, in the line behind fid_ep.
  Endpoint* endpoint_;
  OpDefaults defaults_;

  std::uint64_t transmit_op_flags_;
  std::uint64_t receive_op_flags_;
  const std::shared_ptr<EpCore> core_;
  Use<Ep> aliased_;  // empty: this is the endpoint itself
};

int open_endpoint(Domain& domain, const fi_info* info, fid_ep** ep, void* context) noexcept;

// The tables that other files fill.
extern fi_ops_ep endpoint_ops;                           // ep_options.cpp
extern fi_ops_cm name_ops;                               // ep_name.cpp
fi_ops_msg* message_ops(std::uint64_t caps) noexcept;    // msg.cpp
fi_ops_tagged* tagged_ops(std::uint64_t caps) noexcept;  // tagged.cpp
fi_ops_rma* rma_ops(std::uint64_t caps) noexcept;        // rma.cpp

}  // namespace anchor
