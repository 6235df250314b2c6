// SPDX-License-Identifier: BSD-2-Clause
#include "abi/mr.h"

#include <rdma/fi_errno.h>

#include <cstdint>

#include "abi/domain.h"
#include "abi/fid.h"
#include "abi/unsupported.h"
#include "core/work_request.h"
#include "os/log.h"

namespace anchor {
namespace {

class Mr final : public fid_mr {
 public:
  Mr(Domain& domain, void* context);

  UseCount uses;  // nobody ever

 private:
  Use<Domain> domain_;
};

int control(fid*, int command, void*) noexcept { return command == FI_ENABLE ? 0 : -FI_ENOSYS; }

fi_ops fid_ops{
    .size = sizeof(fi_ops),
    .close = close_object<Mr, fid_mr>,
    .bind = refuse<-FI_ENOSYS>,
    .control = control,
    .ops_open = refuse<-FI_ENOSYS>,
    .tostr = refuse<-FI_ENOSYS>,
    .ops_set = refuse<-FI_ENOSYS>,
};

Mr::Mr(Domain& domain, void* user_context) : fid_mr{}, domain_(domain) {
  fid = {.fclass = FI_CLASS_MR, .context = user_context, .ops = &fid_ops};
  mem_desc = nullptr;
  key = FI_KEY_NOTAVAIL;
}

struct Registration {
  std::size_t segments;
  std::uint64_t access;
  std::uint64_t flags;
};

int register_memory(fid* descriptor, const Registration& wanted, fid_mr** mr, void* context) noexcept {
  if (descriptor->fclass != FI_CLASS_DOMAIN || wanted.segments > kMaxSegments) return -FI_EINVAL;
  if (wanted.flags != 0) return -FI_EBADFLAGS;
  if ((wanted.access & ~(FI_SEND | FI_RECV)) != 0) {
    ANCHOR_INFO(kDomain, "access %#llx: memory is registered for FI_SEND and FI_RECV only",
                static_cast<unsigned long long>(wanted.access));
    return -FI_ENOSYS;
  }
  return guarded([&] {
    *mr = new Mr(object_of<Domain, fid_domain>(descriptor), context);
    return 0;
  });
}

int reg(fid* descriptor, const void*, std::size_t, std::uint64_t access, std::uint64_t, std::uint64_t,
        std::uint64_t flags, fid_mr** mr, void* context) noexcept {
  return register_memory(descriptor, {1, access, flags}, mr, context);
}

int regv(fid* descriptor, const iovec*, std::size_t count, std::uint64_t access, std::uint64_t, std::uint64_t,
         std::uint64_t flags, fid_mr** mr, void* context) noexcept {
  return register_memory(descriptor, {count, access, flags}, mr, context);
}

int regattr(fid* descriptor, const fi_mr_attr* attr, std::uint64_t flags, fid_mr** mr) noexcept {
  constexpr std::uint32_t kInterfacesVersion =
      FI_VERSION(1, 10);  // older applications' structure ends before the field
  const bool has_interface = object_of<Domain, fid_domain>(descriptor).version() >= kInterfacesVersion;
  if (has_interface && attr->iface != FI_HMEM_SYSTEM) return -FI_ENOSYS;
  return register_memory(descriptor, {attr->iov_count, attr->access, flags}, mr, attr->context);
}

}  // namespace

fi_ops_mr memory_ops{
    .size = sizeof(fi_ops_mr),
    .reg = reg,
    .regv = regv,
    .regattr = regattr,
};

}  // namespace anchor
