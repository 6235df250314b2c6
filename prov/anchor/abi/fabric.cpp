// SPDX-License-Identifier: BSD-2-Clause
#include "abi/fabric.h"

#include <rdma/fi_domain.h>
#include <strings.h>

#include "abi/domain.h"
#include "abi/eq.h"
#include "abi/open_objects.h"
#include "abi/provider.h"
#include "abi/unsupported.h"
#include "abi/wait_set.h"
#include "os/log.h"

namespace anchor {
namespace {

int domain(fid_fabric* fabric, fi_info* info, fid_domain** domain, void* context) noexcept {
  return open_domain(Fabric::from(fabric), info, domain, context);
}

// The flags of fi_domain2(3) open a domain for another provider (fi_peer(3)).
int domain2(fid_fabric* fabric, fi_info* info, fid_domain** domain, std::uint64_t flags, void* context) noexcept {
  return flags == 0 ? open_domain(Fabric::from(fabric), info, domain, context) : -FI_EBADFLAGS;
}

int eq_open(fid_fabric* fabric, fi_eq_attr* attr, fid_eq** eq, void* context) noexcept {
  return open_event_queue(Fabric::from(fabric), attr, eq, context);
}

int wait_open(fid_fabric* fabric, fi_wait_attr* attr, fid_wait** set) noexcept {
  return open_wait_set(Fabric::from(fabric), attr, set);
}

// fi_poll(3): 0 only if all of them may be waited for.
int trywait(fid_fabric*, fid** objects, int count) noexcept {
  for (int i = 0; i < count; ++i)
    if (const int status = try_wait(objects[i])) return status;
  return 0;
}

fi_ops fid_ops{
    .size = sizeof(fi_ops),
    .close = close_object<Fabric, fid_fabric>,
    .bind = refuse<-FI_ENOSYS>,
    .control = refuse<-FI_ENOSYS>,
    .ops_open = refuse<-FI_ENOSYS>,
    .tostr = refuse<-FI_ENOSYS>,
    .ops_set = refuse<-FI_ENOSYS>,
};

fi_ops_fabric fabric_ops{
    .size = sizeof(fi_ops_fabric),
    .domain = domain,
    .passive_ep = refuse<-FI_ENOSYS>,
    .eq_open = eq_open,
    .wait_open = wait_open,
    .trywait = trywait,
    .domain2 = domain2,
};

}  // namespace

Fabric::Fabric(std::uint32_t version, void* user_context) : fid_fabric{} {
  fid = {.fclass = FI_CLASS_FABRIC, .context = user_context, .ops = &fid_ops};
  ops = &fabric_ops;
  api_version = version;
  open_objects<Fabric>().add(this);
}

Fabric::~Fabric() { open_objects<Fabric>().remove(this); }

bool Fabric::is_open(const fid_fabric* descriptor) noexcept {
  return open_objects<Fabric>().first([&](const Fabric& fabric) { return &fabric == descriptor; }) != nullptr;
}

fid_fabric* Fabric::first_open() noexcept {
  return open_objects<Fabric>().first([](const Fabric&) { return true; });
}

int open_fabric(fi_fabric_attr* attr, fid_fabric** fabric, void* context) noexcept {
  if (attr == nullptr || (attr->name != nullptr && ::strcasecmp(attr->name, kFabricName) != 0)) {
    ANCHOR_INFO(kFabric, "fabric %s is not ours", attr != nullptr && attr->name != nullptr ? attr->name : "(none)");
    return attr != nullptr ? -FI_ENODATA : -FI_EINVAL;
  }
  return guarded([&] {
    *fabric = new Fabric(attr->api_version, context);
    return 0;
  });
}

}  // namespace anchor
