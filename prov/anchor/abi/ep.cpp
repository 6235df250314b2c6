// SPDX-License-Identifier: BSD-2-Clause
#include "abi/ep.h"

#include <rdma/fi_errno.h>

#include "abi/atomic.h"
#include "abi/capabilities.h"
#include "abi/names.h"
#include "abi/parameters.h"
#include "abi/unsupported.h"
#include "os/log.h"
#include "proto/limits.h"

namespace anchor {
namespace {

int close(fid* descriptor) noexcept { return close_object<Ep, fid_ep>(descriptor); }

int bind(fid* descriptor, fid* object, std::uint64_t flags) noexcept {
  return guarded([&] { return object_of<Ep, fid_ep>(descriptor).bind(object, flags); });
}

int control(fid* descriptor, int command, void* argument) noexcept {
  return guarded([&] { return object_of<Ep, fid_ep>(descriptor).control(command, argument); });
}

fi_ops fid_ops{
    .size = sizeof(fi_ops),
    .close = close,
    .bind = bind,
    .control = control,
    .ops_open = refuse<-FI_ENOSYS>,
    .tostr = refuse<-FI_ENOSYS>,
    .ops_set = refuse<-FI_ENOSYS>,
};

EndpointSettings settings_for(const Domain& domain, const fi_info& info) {
  const Parameters& parameter = parameters();
  EndpointSettings settings;
  settings.locked = domain.locked();
  settings.directed_receive = (info.caps & FI_DIRECTED_RECV) != 0;
  settings.report_unknown_source = (info.caps & FI_SOURCE_ERR) != 0;
  settings.access_events = (info.caps & FI_RMA_EVENT) != 0;
  settings.direct_copy = parameter.cma;
  settings.mapping = parameter.mapping;
  settings.transmit_size = parameter.tx_size;
  settings.receive_size = parameter.rx_size;
  if (info.tx_attr != nullptr && info.tx_attr->size != 0) settings.transmit_size = info.tx_attr->size;
  if (info.rx_attr != nullptr && info.rx_attr->size != 0) settings.receive_size = info.rx_attr->size;
  settings.unexpected_limit = parameter.unexpected_limit;
  settings.large_areas = parameter.large_areas;
  settings.connect_timeout = Milliseconds(parameter.connect_timeout);
  settings.liveness_interval = Milliseconds(parameter.liveness_interval);
  return settings;
}

bool is_servable(const fi_info& info) noexcept {
  const fi_ep_attr* attr = info.ep_attr;
  const bool type = attr == nullptr || attr->type == FI_EP_RDM || attr->type == FI_EP_UNSPEC;
  const bool contexts = attr == nullptr || (attr->tx_ctx_cnt <= 1 && attr->rx_ctx_cnt <= 1);
  return type && contexts && (info.caps & ~kSupportedCaps) == 0 &&
         (info.tx_attr == nullptr || (info.tx_attr->op_flags & ~(kTransmitOpFlags | (info.caps & FI_TRIGGER))) == 0) &&
         (info.rx_attr == nullptr || (info.rx_attr->op_flags & ~(kReceiveOpFlags | (info.caps & FI_TRIGGER))) == 0);
}

// An application may raise the size in the fi_info that it got.
bool within_limits(const fi_info& info) noexcept {
  if (info.tx_attr == nullptr || info.tx_attr->size <= kMaxTransmitSize) return true;
  ANCHOR_WARN(kEndpoint, "tx_attr->size is %zu, at most %zu sends can be outstanding", info.tx_attr->size,
              kMaxTransmitSize);
  return false;
}

}  // namespace

Ep::Ep(Domain& domain, const EndpointSettings& settings, const fi_info& info, void* user_context)
    : fid_ep{},
      transmit_op_flags_(info.tx_attr != nullptr ? info.tx_attr->op_flags : 0),
      receive_op_flags_(info.rx_attr != nullptr ? info.rx_attr->op_flags : 0),
      core_(std::make_shared<EpCore>(domain, settings, with_modifiers(info.caps))) {
  fid = {.fclass = FI_CLASS_EP, .context = user_context, .ops = &fid_ops};
  endpoint_ = &core_->endpoint;
  ops = &endpoint_ops;
  cm = &name_ops;
  msg = &disabled_messages;
  tagged = &disabled_tagged;
  rma = &disabled_rma;
  atomic = disabled_atomic_ops(core_->caps);
  collective = &unsupported_collective;
}

Ep::Ep(const Ep& other, void* user_context)
    : fid_ep(other),
      endpoint_(other.endpoint_),
      defaults_(other.defaults_),
      transmit_op_flags_(other.transmit_op_flags_),
      receive_op_flags_(other.receive_op_flags_),
      core_(other.core_) {
  fid.context = user_context;
}

// Nobody may drive the endpoint any more when its destructor runs.
Ep::~Ep() {
  if (aliased_) return;
  if (endpoint_->enabled()) leave_groups();
  core_->domain->forget(*endpoint_);
}

int Ep::get_op_flags(std::uint64_t* flags) const noexcept {
  const std::uint64_t direction = *flags & (FI_TRANSMIT | FI_RECV);
  if (direction != FI_TRANSMIT && direction != FI_RECV) return -FI_EINVAL;
  *flags = direction == FI_TRANSMIT ? transmit_op_flags_ : receive_op_flags_;
  return 0;
}

int Ep::set_op_flags(std::uint64_t flags) noexcept {
  const std::uint64_t direction = flags & (FI_TRANSMIT | FI_RECV);
  const std::uint64_t wanted = flags & ~direction;
  if (direction != FI_TRANSMIT && direction != FI_RECV) return -FI_EINVAL;
  const bool sends = direction == FI_TRANSMIT;
  const std::uint64_t served = (sends ? kTransmitOpFlags : kReceiveOpFlags) | (core_->caps & FI_TRIGGER);
  if ((wanted & ~served) != 0) return -FI_EBADFLAGS;
  (sends ? transmit_op_flags_ : receive_op_flags_) = wanted;
  if (sends) defaults_.set_send(wanted);
  if (!sends) defaults_.set_receive(wanted);
  return 0;
}

// Before fi_enable an alias would keep the tables of an endpoint that is disabled.
int Ep::make_alias(const struct fi_alias& request) {
  if (!endpoint_->enabled()) return -FI_EOPBADSTATE;
  auto alias = std::make_unique<Ep>(*this, fid.context);
  const int status = request.flags != 0 ? alias->set_op_flags(request.flags) : 0;
  if (status != 0) return status;
  alias->aliased_ = Use<Ep>(aliased_ ? *aliased_ : *this);
  *request.fid = &alias.release()->fid;
  return 0;
}

int Ep::control(int command, void* argument) {
  switch (command) {
    case FI_ENABLE:
      return enable();
    case FI_ALIAS:
      return make_alias(*static_cast<struct fi_alias*>(argument));
    case FI_GETOPSFLAG:
      return get_op_flags(static_cast<std::uint64_t*>(argument));
    case FI_SETOPSFLAG:
      return set_op_flags(*static_cast<std::uint64_t*>(argument));
    default:
      return -FI_ENOSYS;
  }
}

int open_endpoint(Domain& domain, const fi_info* info, fid_ep** ep, void* context) noexcept {
  if (info == nullptr || !is_servable(*info)) {
    ANCHOR_INFO(kEndpoint, "the fi_info is none that fi_getinfo gave for this domain");
    return -FI_EINVAL;
  }
  if (!within_limits(*info)) return -FI_EINVAL;
  if (info->addr_format != FI_FORMAT_UNSPEC && info->addr_format != domain.address_format()) {
    ANCHOR_WARN(kEndpoint, "the fi_info has address format %u, but its domain was opened with %u", info->addr_format,
                domain.address_format());
    return -FI_EINVAL;
  }
  return guarded([&] {
    auto opened = std::make_unique<Ep>(domain, settings_for(domain, *info), *info, context);
    const Address any = any_address(domain.address_format());
    const int status = info->src_addr != nullptr ? opened->set_name(info->src_addr, info->src_addrlen)
                                                 : opened->set_name(any.bytes.data(), any.size);
    if (status != 0) {
      ANCHOR_INFO(kEndpoint, "the source address is none of this host");
      return status;
    }
    *ep = opened.release();
    return 0;
  });
}

}  // namespace anchor
