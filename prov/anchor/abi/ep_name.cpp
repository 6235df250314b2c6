// SPDX-License-Identifier: BSD-2-Clause
// fi_cm(3) of a connectionless endpoint: its name.
#include <rdma/fi_cm.h>
#include <rdma/fi_errno.h>

#include <algorithm>
#include <cstring>

#include "abi/ep.h"
#include "abi/ip_names.h"
#include "abi/names.h"
#include "abi/unsupported.h"

namespace anchor {
namespace {

int setname(fid_t descriptor, void* address, std::size_t size) noexcept {
  Ep& ep = object_of<Ep, fid_ep>(descriptor);
  if (ep.endpoint().enabled()) return -FI_EOPBADSTATE;
  return guarded([&] { return ep.set_name(address, size); });
}

// An IP address whose port is to be any free one has the port 0 before fi_enable.
int getname(fid_t descriptor, void* address, std::size_t* size) noexcept {
  Ep& ep = object_of<Ep, fid_ep>(descriptor);
  const Address found = own_address(ep.core().domain->address_format(), ep.endpoint().name(), ep.core().given_address);
  const std::size_t room = *size;
  *size = found.size;
  if (address != nullptr) std::memcpy(address, found.bytes.data(), std::min(room, found.size));
  return room < found.size ? -FI_ETOOSMALL : 0;
}

}  // namespace

// An IP address in FI_ADDR_STR form is one, too: a service of 0 means any port in every format. Without a service it
// may be the name that a server's clients look for (upstream's fabtests with -F fi_addr_str), or each client's of a
// host.
int Ep::set_name(const void* address, std::size_t size) {
  const std::uint32_t format = core_->domain->address_format();
  EndpointName name;
  int status = local_name(format, address, size, &name);
  if (status != 0) return status;
  if (leaves_port_open(name)) {
    status = endpoint_->set_name_with_free_port(name);
  } else {
    status = is_address_alone(name) ? endpoint_->set_name_or_free_port(name) : endpoint_->set_name(name);
  }
  if (status != 0) return status;
  core_->given_address = {};
  if (!name.empty()) copy_address(format, address, size, &core_->given_address);
  return 0;
}

fi_ops_cm name_ops{
    .size = sizeof(fi_ops_cm),
    .setname = setname,
    .getname = getname,
    .getpeer = refuse<-FI_ENOSYS>,
    .connect = refuse<-FI_ENOSYS>,
    .listen = refuse<-FI_ENOSYS>,
    .accept = refuse<-FI_ENOSYS>,
    .reject = refuse<-FI_ENOSYS>,
    .shutdown = refuse<-FI_ENOSYS>,
    .join = refuse<-FI_ENOSYS>,
};

}  // namespace anchor
