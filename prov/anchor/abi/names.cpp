// SPDX-License-Identifier: BSD-2-Clause
#include "abi/names.h"

#include <rdma/fabric.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

#include "abi/ip_names.h"

namespace anchor {
namespace {

// The text at `address`, which ends with a NUL or after `size` bytes.
std::string_view text_at(const void* address, std::size_t size) noexcept {
  const char* text = static_cast<const char*>(address);
  return {text, strnlen(text, size)};
}

int string_name(std::string_view text, EndpointName* name) noexcept {
  const EndpointName candidate = EndpointName::from(text);
  if (!candidate.valid()) return -EINVAL;
  *name = candidate;
  return 0;
}

Address string_address(const EndpointName& name) noexcept {
  Address address;
  std::memcpy(address.bytes.data(), name.bytes.data(), kNameSize);
  address.size = kNameSize;
  return address;
}

Address socket_address(const SocketAddress& socket) noexcept {
  static_assert(sizeof(SocketAddress) <= kNameSize);
  Address address;
  address.size = socket.size();
  std::memcpy(address.bytes.data(), &socket, address.size);
  return address;
}

bool is_string_address(std::string_view text) noexcept { return text.starts_with(kNamePrefix); }

// An IP address names the endpoint that has it in the IP formats, so it must be this host's to be one's own.
int resolve_ip_uri(const ServiceQuery& query, Address* address) {
  SocketAddress socket;
  const int status = resolve_host(AF_UNSPEC, query.node, query.service, query.numeric_host, query.local, &socket);
  if (status != 0) return status;
  if (query.local && !is_this_host(socket)) return -ENODATA;
  *address = string_address(ip_name(socket));
  return 0;
}

// Whether a node by itself says where to be and not who: an address or a name of this host. A service would tell the
// endpoints there apart, so without one it is any port, as in the IP formats; but an address may also be what peers
// look for, so the first to come has it as it is (Ep::set_name).
bool is_own_host(const ServiceQuery& query, SocketAddress* socket) {
  return query.local && query.node != nullptr && query.service == nullptr &&
         resolve_host(AF_UNSPEC, query.node, nullptr, query.numeric_host, true, socket) == 0 && is_this_host(*socket);
}

int resolve_string(const ServiceQuery& query, Address* address) {
  const std::string_view node = query.node != nullptr ? query.node : "";
  if (is_ip_uri(node)) return resolve_ip_uri(query, address);
  SocketAddress host;
  if (node.find("://") == node.npos && is_own_host(query, &host)) {
    const EndpointName as_given = EndpointName::from(std::string(kNamePrefix).append(node));
    const bool kept = is_address_alone(as_given);
    *address = string_address(kept ? as_given : ip_name(host));
    return 0;
  }
  std::string text;
  if (is_string_address(node)) {
    if (query.service != nullptr) return -EINVAL;  // fi_getinfo(3): such a node is complete
    text = node;
  } else if (node.find("://") != node.npos) {
    return -EINVAL;  // another provider's address
  } else {
    // Without a node it is this host, by the name its peers would give it.
    text = std::string(kNamePrefix).append(node.empty() ? "127.0.0.1" : node);
    if (query.service != nullptr) text.append(":").append(query.service);
  }
  EndpointName name;
  const int status = string_name(text, &name);
  if (status != 0) return status;
  *address = string_address(name);
  return 0;
}

int resolve_socket(std::uint32_t format, const ServiceQuery& query, Address* address) {
  SocketAddress socket;
  const int status =
      resolve_host(family_of(format), query.node, query.service, query.numeric_host, query.local, &socket);
  if (status == 0) *address = socket_address(socket);
  return status;
}

}  // namespace

bool is_served_format(std::uint32_t format) noexcept {
  return format == FI_ADDR_STR || format == FI_SOCKADDR || format == FI_SOCKADDR_IN || format == FI_SOCKADDR_IN6;
}

Address any_address(std::uint32_t format) noexcept {
  if (format == FI_ADDR_STR) return string_address(EndpointName::from(kNamePrefix));
  return socket_address(loopback(format == FI_SOCKADDR_IN6 ? AF_INET6 : AF_INET, 0));
}

int copy_address(std::uint32_t format, const void* from, std::size_t size, Address* to) noexcept {
  if (format == FI_ADDR_STR) {
    EndpointName name;
    const int status = string_name(text_at(from, size), &name);
    if (status == 0) *to = string_address(name);
    return status;
  }
  SocketAddress socket;
  if (!read_socket_address(family_of(format), from, size, &socket)) return -EINVAL;
  *to = socket_address(socket);
  return 0;
}

int peer_name(std::uint32_t format, const void* address, std::size_t size, EndpointName* name) noexcept {
  if (address == nullptr) return -EINVAL;
  if (format == FI_ADDR_STR) return string_name(text_at(address, size), name);
  SocketAddress socket;
  if (!read_socket_address(family_of(format), address, size, &socket)) return -EINVAL;
  *name = ip_name(socket);
  return 0;
}

int local_name(std::uint32_t format, const void* address, std::size_t size, EndpointName* name) noexcept {
  if (address == nullptr) return -EINVAL;
  if (format == FI_ADDR_STR) {
    const std::string_view text = text_at(address, size);
    if (text != kNamePrefix) return string_name(text, name);
    *name = EndpointName{};
    return 0;
  }
  SocketAddress socket;
  if (!read_socket_address(family_of(format), address, size, &socket)) return -EINVAL;
  if (!is_this_host(socket)) return -EADDRNOTAVAIL;
  *name = ip_name(socket);
  return 0;
}

Address address_of(std::uint32_t format, const EndpointName& name) noexcept {
  if (format == FI_ADDR_STR) return string_address(name);
  SocketAddress socket;
  const bool found = parse_ip_name(name, &socket);
  const int family = family_of(format);
  if (!found || (family != AF_UNSPEC && family != socket.family())) return {};
  return socket_address(socket);
}

Address own_address(std::uint32_t format, const EndpointName& name, const Address& given) noexcept {
  SocketAddress host, own;
  const bool kept = format != FI_ADDR_STR &&
                    read_socket_address(family_of(format), given.bytes.data(), given.size, &host) &&
                    with_port_of(name, host, &own);
  return kept ? socket_address(own) : address_of(format, name);
}

int resolve(std::uint32_t format, const ServiceQuery& query, Address* address) {
  if (query.node == nullptr && query.service == nullptr) return -EINVAL;
  return format == FI_ADDR_STR ? resolve_string(query, address) : resolve_socket(format, query, address);
}

bool on_this_host(std::uint32_t format, const Address& address) noexcept {
  if (format == FI_ADDR_STR) return true;
  SocketAddress socket;
  return read_socket_address(family_of(format), address.bytes.data(), address.size, &socket) && is_this_host(socket);
}

std::size_t print_address(std::uint32_t format, const void* address, char* text, std::size_t size) noexcept {
  int length;
  if (format == FI_ADDR_STR) {
    const std::string_view name = text_at(address, kNameSize);
    length = std::snprintf(text, size, "%.*s", static_cast<int>(name.size()), name.data());
  } else {
    SocketAddress socket;
    const bool known = read_socket_address(family_of(format), address, sizeof(SocketAddress), &socket);
    length = known ? print_socket_address(socket, text, size) : std::snprintf(text, size, "fi_sockaddr://");
  }
  return static_cast<std::size_t>(length) + 1;
}

}  // namespace anchor
