// SPDX-License-Identifier: BSD-2-Clause
#include "abi/mr.h"

#include <rdma/fi_errno.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>

#include "abi/cntr.h"
#include "abi/ep.h"
#include "abi/unsupported.h"
#include "os/log.h"

namespace anchor {

struct Registration {
  const iovec* segments;
  std::size_t count;
  std::uint64_t access;
  std::uint64_t offset;
  std::uint64_t key;
  std::uint64_t flags;
  void* context;
};

namespace {

constexpr std::uint64_t kLocalAccess = FI_SEND | FI_RECV | FI_READ | FI_WRITE;
constexpr std::uint64_t kAccess = kLocalAccess | FI_REMOTE_READ | FI_REMOTE_WRITE;

int bind(fid* descriptor, fid* object, std::uint64_t flags) noexcept {
  return object_of<Mr, fid_mr>(descriptor).bind(object, flags);
}

int control(fid* descriptor, int command, void* argument) noexcept {
  Mr& mr = object_of<Mr, fid_mr>(descriptor);
  switch (command) {
    case FI_ENABLE:
      return mr.enable();
    case FI_GET_RAW_MR:
      return mr.raw_attributes(static_cast<struct fi_mr_raw_attr*>(argument));
    case FI_REFRESH:
      return mr.refresh(*static_cast<const fi_mr_modify*>(argument));
    default:
      return -FI_ENOSYS;
  }
}

fi_ops fid_ops{
    .size = sizeof(fi_ops),
    .close = close_object<Mr, fid_mr>,
    .bind = bind,
    .control = control,
    .ops_open = refuse<-FI_ENOSYS>,
    .tostr = refuse<-FI_ENOSYS>,
    .ops_set = refuse<-FI_ENOSYS>,
};

std::uint32_t rights_of(std::uint64_t access) noexcept {
  return ((access & FI_REMOTE_READ) != 0 ? kRemoteRead : 0u) | ((access & FI_REMOTE_WRITE) != 0 ? kRemoteWrite : 0u);
}

int check(const Registration& wanted) noexcept {
  if (wanted.count == 0 || wanted.count > kMaxSegments || wanted.offset != 0 || (wanted.access & ~kAccess) != 0) {
    ANCHOR_INFO(kDomain, "%zu segments, offset %llu, access %#llx: not served", wanted.count,
                static_cast<unsigned long long>(wanted.offset), static_cast<unsigned long long>(wanted.access));
    return -FI_EINVAL;
  }
  return (wanted.flags & ~FI_RMA_EVENT) == 0 ? 0 : -FI_EBADFLAGS;
}

// A region of all memory is given with a length that would lead past its end.
iovec clipped(const iovec& segment) noexcept {
  const std::uint64_t room = UINT64_MAX - reinterpret_cast<std::uint64_t>(segment.iov_base);
  return {segment.iov_base, static_cast<std::size_t>(std::min<std::uint64_t>(segment.iov_len, room))};
}

int register_memory(fid* descriptor, const Registration& wanted, fid_mr** mr) noexcept {
  if (descriptor->fclass != FI_CLASS_DOMAIN) return -FI_EINVAL;
  if (const int status = check(wanted)) return status;
  return guarded([&] {
    auto opened = std::make_unique<Mr>(object_of<Domain, fid_domain>(descriptor), wanted);
    const int status = opened->open(wanted);
    if (status == 0) *mr = opened.release();
    return status;
  });
}

int reg(fid* descriptor, const void* buffer, std::size_t length, std::uint64_t access, std::uint64_t offset,
        std::uint64_t key, std::uint64_t flags, fid_mr** mr, void* context) noexcept {
  const iovec segment{const_cast<void*>(buffer), length};
  return register_memory(descriptor, {&segment, 1, access, offset, key, flags, context}, mr);
}

int regv(fid* descriptor, const iovec* segments, std::size_t count, std::uint64_t access, std::uint64_t offset,
         std::uint64_t key, std::uint64_t flags, fid_mr** mr, void* context) noexcept {
  return register_memory(descriptor, {segments, count, access, offset, key, flags, context}, mr);
}

int regattr(fid* descriptor, const fi_mr_attr* attr, std::uint64_t flags, fid_mr** mr) noexcept {
  constexpr std::uint32_t kInterfacesVersion =
      FI_VERSION(1, 10);  // older applications' structure ends before the field
  const bool has_interface = object_of<Domain, fid_domain>(descriptor).version() >= kInterfacesVersion;
  if (has_interface && attr->iface != FI_HMEM_SYSTEM) return -FI_ENOSYS;
  return register_memory(
      descriptor,
      {attr->mr_iov, attr->iov_count, attr->access, attr->offset, attr->requested_key, flags, attr->context}, mr);
}

}  // namespace

Mr::Mr(Domain& domain, const Registration& wanted)
    : fid_mr{},
      domain_(domain),
      waits_for_enable_((domain.mr_mode() & FI_MR_ENDPOINT) != 0 ||
                        ((domain.mr_mode() & FI_MR_RMA_EVENT) != 0 && (wanted.flags & FI_RMA_EVENT) != 0)) {
  fid = {.fclass = FI_CLASS_MR, .context = wanted.context, .ops = &fid_ops};
  mem_desc = nullptr;  // local buffers are used as they are
  region_.rights = rights_of(wanted.access);
  region_.virtual_addresses = (domain.mr_mode() & FI_MR_VIRT_ADDR) != 0;
  region_.segment_count = static_cast<std::uint32_t>(wanted.count);
  std::transform(wanted.segments, wanted.segments + wanted.count, region_.segments, clipped);
}

Mr::~Mr() {
  if (reserved_) domain_->memory().remove(&region_);
}

int Mr::open(const Registration& wanted) {
  region_.key = key = wanted.key;
  if (!is_remote()) return 0;
  if ((domain_->mr_mode() & FI_MR_PROV_KEY) != 0) {
    domain_->memory().reserve_any(&region_);
  } else if (wanted.key == FI_KEY_NOTAVAIL) {
    return -FI_EKEYREJECTED;
  } else if (domain_->memory().reserve(&region_) != 0) {
    return -FI_ENOKEY;
  }
  reserved_ = true;
  key = region_.key;
  return waits_for_enable_ ? 0 : domain_->memory().enable(&region_);
}

int Mr::bind(::fid* object, std::uint64_t flags) {
  if (waits_for_enable_ && region_.enabled) return -FI_EOPBADSTATE;
  if (object->fclass == FI_CLASS_EP) {
    if (flags != 0) return -FI_EBADFLAGS;
    Ep& ep = object_of<Ep, fid_ep>(object);
    if (ep.core().domain.get() != domain_.get()) return -FI_EDOMAIN;
    // Where the application did not agree to it, a region is every endpoint's.
    if ((domain_->mr_mode() & FI_MR_ENDPOINT) != 0) region_.endpoint = ep.endpoint().identity();
    return 0;
  }
  if (object->fclass != FI_CLASS_CNTR || flags == 0) return -FI_EINVAL;
  if ((flags & ~(FI_REMOTE_READ | FI_REMOTE_WRITE)) != 0) return -FI_EBADFLAGS;
  Cntr& counter = object_of<Cntr, fid_cntr>(object);
  if (&counter.domain() != domain_.get()) return -FI_EDOMAIN;
  return guarded([&] {
    domain_->drive_by(counter);
    domain_->memory().count_with(&region_, &counter.counter(), rights_of(flags));
    return 0;
  });
}

int Mr::enable() noexcept {
  if (!is_remote()) return 0;
  if ((domain_->mr_mode() & FI_MR_ENDPOINT) != 0 && region_.endpoint == nullptr) return -FI_EINVAL;
  return domain_->memory().enable(&region_);
}

// Which part of it was replaced makes no difference.
int Mr::refresh(const fi_mr_modify& change) noexcept {
  if (change.flags != 0) return -FI_EBADFLAGS;
  if (is_remote()) domain_->memory().refresh(&region_);
  return 0;
}

int Mr::raw_attributes(struct fi_mr_raw_attr* attributes) const noexcept {
  const std::size_t room = *attributes->key_size;
  *attributes->key_size = sizeof(key);
  if (room < sizeof(key)) return -FI_ETOOSMALL;
  std::memcpy(attributes->raw_key, &key, sizeof(key));
  *attributes->base_addr = region_.base(0);
  return 0;
}

int map_raw_key(const struct fi_mr_map_raw& request) noexcept {
  if (request.flags != 0) return -FI_EBADFLAGS;
  if (request.key_size != sizeof(std::uint64_t)) return -FI_EINVAL;
  std::memcpy(request.key, request.raw_key, sizeof(std::uint64_t));
  return 0;
}

fi_ops_mr memory_ops{
    .size = sizeof(fi_ops_mr),
    .reg = reg,
    .regv = regv,
    .regattr = regattr,
};

}  // namespace anchor
