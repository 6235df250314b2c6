// SPDX-License-Identifier: BSD-2-Clause
#include "abi/info_address.h"

#include <rdma/fi_errno.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>

#include "abi/ip_names.h"
#include "abi/names.h"
#include "abi/parameters.h"
#include "dma/registry.h"
#include "os/log.h"

namespace anchor {
namespace {

void store(const Address& address, void** where, std::size_t* size) {
  void* copy = std::malloc(address.size);  // fi_freeinfo(3) frees it
  if (copy == nullptr) throw std::bad_alloc();
  std::memcpy(copy, address.bytes.data(), address.size);
  std::free(*where);
  *where = copy;
  *size = address.size;
}

int choose_format(const fi_info* hints, fi_info* offer) {
  if (hints == nullptr || hints->addr_format == FI_FORMAT_UNSPEC) return 0;
  if (!is_served_format(hints->addr_format)) {
    ANCHOR_INFO(kCore, "hints->addr_format %u is not served", hints->addr_format);
    return -FI_ENODATA;
  }
  offer->addr_format = hints->addr_format;
  return 0;
}

bool lives(const EndpointName& name, const char* device_name) {
  const DeviceEntry* entry = find_device(device_name);
  const std::unique_ptr<Device> device = entry != nullptr ? entry->open(device_options()) : nullptr;
  std::unique_ptr<RemoteRegion> region;
  return device && device->attach(name, &region) == 0;
}

// Whether a destination without the prefix can be meant: the name of an endpoint that is there, or of this host. So
// another provider is found for a peer elsewhere (fi_getinfo(3): -FI_ENODATA), and an endpoint that starts later is
// named with its prefix.
bool can_be_destination(const ServiceQuery& wanted, const Address& address, const char* device) {
  if (wanted.node == nullptr || std::string_view(wanted.node).starts_with(kNamePrefix)) return true;
  EndpointName name;
  if (peer_name(FI_ADDR_STR, address.bytes.data(), address.size, &name) != 0) return false;
  if (lives(name, device)) return true;
  SocketAddress host;
  return resolve_host(AF_UNSPEC, wanted.node, nullptr, wanted.numeric_host, false, &host) == 0 && is_this_host(host);
}

int from_service(const InfoQuery& query, fi_info* offer) {
  const bool local = (query.flags & FI_SOURCE) != 0;
  Address address;
  const ServiceQuery wanted{.node = query.node,
                            .service = query.service,
                            .numeric_host = (query.flags & FI_NUMERICHOST) != 0,
                            .local = local};
  int status = resolve(offer->addr_format, wanted, &address);
  if (status == 0 && !on_this_host(offer->addr_format, address)) status = -FI_ENODATA;
  if (status == 0 && !local && offer->addr_format == FI_ADDR_STR &&
      !can_be_destination(wanted, address, offer->domain_attr->name))
    status = -FI_ENODATA;
  if (status == -FI_EINVAL) {
    ANCHOR_WARN(kCore, "node '%s', service '%s': no name of an endpoint, which has up to %zu characters, no spaces",
                query.node ? query.node : "", query.service ? query.service : "", kNameSize - 1);
  } else if (status != 0) {
    ANCHOR_INFO(kCore, "node %s, service %s: no such address on this host", query.node ? query.node : "(none)",
                query.service ? query.service : "(none)");
  }
  if (status != 0) return status;
  if (local) store(address, &offer->src_addr, &offer->src_addrlen);
  if (!local) store(address, &offer->dest_addr, &offer->dest_addrlen);
  return 0;
}

int source_from_hints(const fi_info& hints, fi_info* offer) {
  EndpointName name;
  const int status = local_name(offer->addr_format, hints.src_addr, hints.src_addrlen, &name);
  if (status != 0) {
    ANCHOR_INFO(kCore, "hints->src_addr is no address of this host in format %u", offer->addr_format);
    return -FI_ENODATA;
  }
  Address address = any_address(offer->addr_format);
  if (!name.empty()) copy_address(offer->addr_format, hints.src_addr, hints.src_addrlen, &address);
  store(address, &offer->src_addr, &offer->src_addrlen);
  return 0;
}

int destination_from_hints(const fi_info& hints, fi_info* offer) {
  Address address;
  if (copy_address(offer->addr_format, hints.dest_addr, hints.dest_addrlen, &address) != 0) {
    ANCHOR_INFO(kCore, "hints->dest_addr is no address of format %u", offer->addr_format);
    return -FI_ENODATA;
  }
  if (!on_this_host(offer->addr_format, address)) {
    ANCHOR_INFO(kCore, "hints->dest_addr is no address of this host");
    return -FI_ENODATA;
  }
  store(address, &offer->dest_addr, &offer->dest_addrlen);
  return 0;
}

}  // namespace

int apply_addresses(const InfoQuery& query, fi_info* offer) {
  const fi_info* hints = query.hints;
  const bool named = query.node != nullptr || query.service != nullptr;
  const bool source = (query.flags & FI_SOURCE) != 0;
  if (source && !named) {
    ANCHOR_INFO(kCore, "FI_SOURCE needs a node or a service");
    return -FI_EINVAL;
  }
  int status = choose_format(hints, offer);
  if (status != 0) return status;
  store(any_address(offer->addr_format), &offer->src_addr, &offer->src_addrlen);

  // fi_getinfo(3): what node and service say stands above the same thing in the hints.
  if (named) status = from_service(query, offer);
  if (status == 0 && hints != nullptr && hints->src_addr != nullptr && !source)
    status = source_from_hints(*hints, offer);
  if (status == 0 && hints != nullptr && hints->dest_addr != nullptr && (!named || source))
    status = destination_from_hints(*hints, offer);
  return status;
}

}  // namespace anchor
