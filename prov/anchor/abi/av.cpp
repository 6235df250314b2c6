// SPDX-License-Identifier: BSD-2-Clause
#include "abi/av.h"

#include <rdma/fi_collective.h>
#include <rdma/fi_errno.h>

#include <algorithm>
#include <cstring>

#include "abi/av_ops.h"
#include "abi/names.h"
#include "abi/unsupported.h"
#include "os/log.h"

namespace anchor {
namespace {

int remove(fid_av* descriptor, fi_addr_t* addresses, std::size_t count, std::uint64_t flags) noexcept {
  if (flags != 0) return -FI_EBADFLAGS;
  int result = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const int status = Av::from(descriptor).remove(addresses[i]);
    if (status != 0) result = status;
  }
  return result;
}

int lookup(fid_av* descriptor, fi_addr_t address, void* buffer, std::size_t* size) noexcept {
  Address found;
  const int status = Av::from(descriptor).lookup(address, &found);
  if (status != 0) return status;
  if (*size != 0) std::memcpy(buffer, found.bytes.data(), std::min(*size, found.size));
  *size = found.size;
  return 0;
}

const char* straddr(fid_av* descriptor, const void* address, char* buffer, std::size_t* size) noexcept {
  *size = print_address(Av::from(descriptor).domain().address_format(), address, buffer, *size);
  return buffer;
}

int set_user_id(fid_av* descriptor, fi_addr_t address, fi_addr_t id, std::uint64_t flags) noexcept {
  Av& av = Av::from(descriptor);
  if (flags != 0) return -FI_EBADFLAGS;  // FI_AUTH_KEY
  return av.user_ids() == UserIds::kByCall ? av.set_user_id(address, id) : -FI_EINVAL;
}

int bind(fid* descriptor, fid* bound, std::uint64_t flags) noexcept {
  if (bound->fclass != FI_CLASS_EQ) return -FI_EINVAL;
  return object_of<Av, fid_av>(descriptor).bind(object_of<Eq, fid_eq>(bound), flags);
}

fi_ops fid_ops{
    .size = sizeof(fi_ops),
    .close = close_object<Av, fid_av>,
    .bind = bind,
    .control = refuse<-FI_ENOSYS>,
    .ops_open = refuse<-FI_ENOSYS>,
    .tostr = refuse<-FI_ENOSYS>,
    .ops_set = refuse<-FI_ENOSYS>,
};

AvOps av_ops = make_av_ops(
    {
        .insert = av_insert,
        .insertsvc = av_insertsvc,
        .insertsym = av_insertsym,
        .remove = remove,
        .lookup = lookup,
        .straddr = straddr,
    },
    set_user_id);

UserIds user_ids_of(const Domain& domain, const fi_av_attr& attr) noexcept {
  if ((attr.flags & FI_AV_USER_ID) != 0) return UserIds::kByCall;
  return domain.user_ids() ? UserIds::kAtInsertion : UserIds::kNone;
}

int check_attributes(const fi_av_attr& attr) noexcept {
  if (attr.name != nullptr || (attr.flags & FI_READ) != 0) {
    ANCHOR_INFO(kAddressVector, "address vectors are not shared between processes");
    return -FI_ENOSYS;
  }
  if ((attr.flags & ~(FI_EVENT | FI_SYMMETRIC | FI_AV_USER_ID)) != 0) return -FI_EBADFLAGS;
  if (attr.rx_ctx_bits != 0) {
    ANCHOR_INFO(kAddressVector, "rx_ctx_bits %d: there are no scalable endpoints", attr.rx_ctx_bits);
    return -FI_ENOSYS;
  }
  return attr.type == FI_AV_UNSPEC || attr.type == FI_AV_MAP || attr.type == FI_AV_TABLE ? 0 : -FI_EINVAL;
}

}  // namespace

Av::Av(Domain& domain, const fi_av_attr& attr, fi_av_type type, void* user_context)
    : fid_av{},
      addresses_(type == FI_AV_TABLE ? AddressVector::Kind::kTable : AddressVector::Kind::kMap, attr.count),
      domain_(domain),
      asynchronous_((attr.flags & FI_EVENT) != 0),
      user_ids_(user_ids_of(domain, attr)) {
  fid = {.fclass = FI_CLASS_AV, .context = user_context, .ops = &fid_ops};
  ops = &av_ops.base;
}

int Av::bind(Eq& eq, std::uint64_t flags) noexcept {
  if (flags != 0) return -FI_EBADFLAGS;
  if (!asynchronous_ || event_queue_) return -FI_EINVAL;
  event_queue_ = Use<Eq>(eq);
  return 0;
}

std::uint64_t Av::insert(const Address& inserted, const std::uint64_t* user_id) noexcept {
  const std::uint32_t format = domain_->address_format();
  EndpointName name;
  if (peer_name(format, inserted.bytes.data(), inserted.size, &name) != 0) return FI_ADDR_NOTAVAIL;
  std::lock_guard guard(mutex_);
  const std::uint64_t unknown = FI_ADDR_NOTAVAIL;
  const std::uint64_t address = addresses_.insert(name, user_ids_ == UserIds::kByCall ? &unknown : user_id);
  if (address == FI_ADDR_NOTAVAIL) return address;
  const bool kept = guarded([&] {
                      if (address_of(format, name).bytes != inserted.bytes) aliases_[address] = inserted;
                      return 0;
                    }) == 0;
  if (!kept) {
    addresses_.remove(address);
    return FI_ADDR_NOTAVAIL;
  }
  return address;
}

int Av::set_user_id(std::uint64_t address, std::uint64_t id) noexcept {
  return addresses_.set_user_id(address, id) == 0 ? 0 : -FI_EINVAL;
}

int Av::remove(std::uint64_t address) noexcept {
  std::lock_guard guard(mutex_);
  if (addresses_.remove(address) != 0) return -FI_EINVAL;
  aliases_.erase(address);
  return 0;
}

int Av::lookup(std::uint64_t address, Address* found) const noexcept {
  std::lock_guard guard(mutex_);
  EndpointName name;
  if (addresses_.lookup(address, &name) != 0) return -FI_EINVAL;
  const auto alias = aliases_.find(address);
  *found = alias != aliases_.end() ? alias->second : address_of(domain_->address_format(), name);
  return 0;
}

int open_address_vector(Domain& domain, fi_av_attr* attr, fid_av** av, void* context) noexcept {
  if (attr == nullptr) return -FI_EINVAL;
  const int status = check_attributes(*attr);
  if (status != 0) return status;
  return guarded([&] {
    const fi_av_type type = attr->type == FI_AV_UNSPEC ? domain.default_av_type() : attr->type;
    *av = new Av(domain, *attr, type, context);
    attr->type = type;  // fi_av(3): the one that was chosen
    return 0;
  });
}

}  // namespace anchor
