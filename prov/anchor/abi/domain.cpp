// SPDX-License-Identifier: BSD-2-Clause
#include "abi/domain.h"

#include <rdma/fi_errno.h>

#include <algorithm>
#include <utility>

#include "abi/atomic_query.h"
#include "abi/av.h"
#include "abi/capabilities.h"
#include "abi/cntr.h"
#include "abi/cq.h"
#include "abi/ep.h"
#include "abi/eq.h"
#include "abi/info.h"
#include "abi/mr.h"
#include "abi/names.h"
#include "abi/open_objects.h"
#include "abi/parameters.h"
#include "abi/poll_set.h"
#include "abi/trigger.h"
#include "abi/unsupported.h"
#include "abi/window_ops.h"
#include "dma/registry.h"
#include "os/log.h"

namespace anchor {
namespace {

int av_open(fid_domain* domain, fi_av_attr* attr, fid_av** av, void* context) noexcept {
  return open_address_vector(Domain::from(domain), attr, av, context);
}

int cq_open(fid_domain* domain, fi_cq_attr* attr, fid_cq** cq, void* context) noexcept {
  return open_completion_queue(Domain::from(domain), attr, cq, context);
}

int endpoint(fid_domain* domain, fi_info* info, fid_ep** ep, void* context) noexcept {
  return open_endpoint(Domain::from(domain), info, ep, context);
}

// The flags of fi_endpoint2(3) open an endpoint for another provider (fi_peer(3)).
int endpoint2(fid_domain* domain, fi_info* info, fid_ep** ep, std::uint64_t flags, void* context) noexcept {
  return flags == 0 ? open_endpoint(Domain::from(domain), info, ep, context) : -FI_EBADFLAGS;
}

int cntr_open(fid_domain* domain, fi_cntr_attr* attr, fid_cntr** cntr, void* context) noexcept {
  return open_counter(Domain::from(domain), attr, cntr, context);
}

int poll_open(fid_domain* domain, fi_poll_attr* attr, fid_poll** set) noexcept {
  return open_poll_set(Domain::from(domain), attr, set);
}

int bind(fid* descriptor, fid* bound, std::uint64_t flags) noexcept {
  Domain& domain = object_of<Domain, fid_domain>(descriptor);
  if (bound->fclass != FI_CLASS_EQ) return -FI_EINVAL;
  return domain.bind_event_queue(object_of<Eq, fid_eq>(bound), flags);
}

int control(fid* descriptor, int command, void* argument) noexcept {
  Domain& domain = object_of<Domain, fid_domain>(descriptor);
  auto* work = static_cast<fi_deferred_work*>(argument);
  if (command == FI_QUEUE_WORK) return queue_work(domain, work);
  if (command == FI_CANCEL_WORK) return cancel_work(domain, work);
  if (command == FI_FLUSH_WORK) return flush_work(domain, work);
  if (command == FI_UNMAP_KEY) return 0;
  return command == FI_MAP_RAW_MR ? map_raw_key(*static_cast<const struct fi_mr_map_raw*>(argument)) : -FI_ENOSYS;
}

fi_ops fid_ops{
    .size = sizeof(fi_ops),
    .close = close_object<Domain, fid_domain>,
    .bind = bind,
    .control = control,
    .ops_open = open_domain_ops,
    .tostr = refuse<-FI_ENOSYS>,
    .ops_set = refuse<-FI_ENOSYS>,
};

fi_ops_domain domain_ops{
    .size = sizeof(fi_ops_domain),
    .av_open = av_open,
    .cq_open = cq_open,
    .endpoint = endpoint,
    .scalable_ep = refuse<-FI_ENOSYS>,
    .cntr_open = cntr_open,
    .poll_open = poll_open,
    .stx_ctx = refuse<-FI_ENOSYS>,
    .srx_ctx = refuse<-FI_ENOSYS>,
    .query_atomic = query_atomic,
    .query_collective = refuse<-FI_EOPNOTSUPP>,
    .endpoint2 = endpoint2,
#ifdef FI_XPU  // libfabric 2.6
    .xpu_ctx = refuse<-FI_ENOSYS>,
#endif
};

fi_threading threading_of(const fi_info& info) noexcept {
  return info.domain_attr != nullptr ? info.domain_attr->threading : FI_THREAD_SAFE;
}

fi_av_type av_type_of(const fi_info& info) noexcept {
  const fi_av_type wanted = info.domain_attr != nullptr ? info.domain_attr->av_type : FI_AV_UNSPEC;
  return wanted == FI_AV_UNSPEC ? FI_AV_TABLE : wanted;
}

int mr_mode_of(const fi_info& info) noexcept {
  return info.domain_attr != nullptr ? meaning_of_mr_mode(info.domain_attr->mr_mode) : 0;
}

std::uint32_t format_of(const fi_info& info) noexcept {
  return info.addr_format == FI_FORMAT_UNSPEC ? static_cast<std::uint32_t>(FI_ADDR_STR) : info.addr_format;
}

const DeviceEntry* device_for(const fi_info& info) {
  const char* name = info.domain_attr != nullptr ? info.domain_attr->name : nullptr;
  if (name != nullptr) return find_device(name);
  const auto offered = offered_devices();
  return offered.empty() ? nullptr : find_device(offered.front());
}

// Whether calls may come from several threads to an endpoint and its queues and counters (fi_domain(3)). Work that
// waits for a counter is started by whichever thread makes progress.
bool needs_locks(fi_threading threading, std::uint64_t caps) noexcept {
  return threading != FI_THREAD_DOMAIN && (threading != FI_THREAD_COMPLETION || (caps & FI_TRIGGER) != 0);
}

bool drives_itself(const fi_info& info) noexcept {
  return info.domain_attr != nullptr && info.domain_attr->data_progress == FI_PROGRESS_AUTO;
}

}  // namespace

Domain::Domain(Fabric& fabric, std::unique_ptr<Device> device, const fi_info& info, void* user_context)
    : fid_domain{},
      fabric_(fabric),
      device_(std::move(device)),
      address_format_(format_of(info)),
      av_type_(av_type_of(info)),
      user_ids_((info.caps & FI_AV_USER_ID) != 0),
      locked_(needs_locks(threading_of(info), info.caps) || drives_itself(info)),
      mr_mode_(mr_mode_of(info)),
      triggers_((info.caps & FI_TRIGGER) != 0),
      progress_thread_(drives_itself(info) ? std::make_unique<ProgressThread>(deferred()) : nullptr) {
  fid = {.fclass = FI_CLASS_DOMAIN, .context = user_context, .ops = &fid_ops};
  ops = &domain_ops;
  mr = &memory_ops;
  open_objects<Domain>().add(this);
}

Domain::~Domain() { open_objects<Domain>().remove(this); }

bool Domain::is_open(const fid_domain* descriptor, std::string_view device) noexcept {
  const auto same = [&](Domain& domain) { return &domain == descriptor && domain.device().name() == device; };
  return open_objects<Domain>().first(same) != nullptr;
}

fid_domain* Domain::first_open(std::string_view device) noexcept {
  return open_objects<Domain>().first([&](Domain& domain) { return domain.device().name() == device; });
}

void Domain::drive_by(Cntr& counter) {
  const std::lock_guard guard(driving_);
  if (std::find(region_counters_.begin(), region_counters_.end(), &counter) != region_counters_.end()) return;
  region_counters_.push_back(&counter);
  for (Endpoint* endpoint : endpoints_) counter.group().join(endpoint);
}

void Domain::drive(Endpoint& endpoint) {
  const std::lock_guard guard(driving_);
  endpoints_.push_back(&endpoint);
  for (Cntr* counter : region_counters_) counter->group().join(&endpoint);
}

void Domain::forget(Cntr& counter) noexcept {
  memory_.forget(&counter.counter());
  const std::lock_guard guard(driving_);
  std::erase(region_counters_, &counter);
}

void Domain::forget(Endpoint& endpoint) noexcept {
  deferred_.forget(&endpoint);
  memory_.forget_endpoint(endpoint.identity());
  const std::lock_guard guard(driving_);
  std::erase(endpoints_, &endpoint);
  for (Cntr* counter : region_counters_) counter->group().leave(&endpoint);
}

// No control operation of ours is asynchronous but address insertion, whose queue is bound to the vector itself; the
// domain's is held for the application's sake.
int Domain::bind_event_queue(Eq& eq, std::uint64_t flags) noexcept {
  if (flags != 0) return -FI_EBADFLAGS;  // FI_REG_MR: registration is synchronous
  if (event_queue_) return -FI_EINVAL;
  event_queue_ = Use<Eq>(eq);
  return 0;
}

int open_domain(Fabric& fabric, const fi_info* info, fid_domain** domain, void* context) noexcept {
  if (info == nullptr || !is_served_format(format_of(*info))) return -FI_EINVAL;
  return guarded([&] {
    const DeviceEntry* entry = device_for(*info);
    if (entry == nullptr) {
      ANCHOR_WARN(kDomain, "no device has the name of the domain");
      return -FI_ENODEV;
    }
    std::unique_ptr<Device> device = entry->open(device_options());
    if (!device) return -FI_ENODEV;  // it has said why
    device->sweep();
    *domain = new Domain(fabric, std::move(device), *info, context);
    return 0;
  });
}

}  // namespace anchor
