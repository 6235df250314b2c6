// SPDX-License-Identifier: BSD-2-Clause
// Endpoint names behind IP addresses: "anchor://127.0.0.1:7471", "anchor://[::1]:7471".
//
// The port names the endpoint. All of this host's addresses, and the wildcard, mean the same endpoint: the device is
// local to the host, so a name says the loopback address for all of them. An address of another host keeps its own,
// and never answers. Thread-safe; the host's addresses are read once.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "os/endpoint_name.h"

namespace anchor {

// Either kind of IP address, laid out as the application's.
union SocketAddress {
  sockaddr generic;
  sockaddr_in v4;
  sockaddr_in6 v6;

  SocketAddress() noexcept { std::memset(static_cast<void*>(this), 0, sizeof(*this)); }
  int family() const noexcept { return generic.sa_family; }
  std::size_t size() const noexcept { return family() == AF_INET6 ? sizeof(v6) : sizeof(v4); }
};

// AF_INET, AF_INET6, or AF_UNSPEC for both (FI_SOCKADDR).
int family_of(std::uint32_t format) noexcept;

SocketAddress loopback(int family, std::uint16_t port) noexcept;

// Copies an address that may be unaligned; false when it is of another family or `size` is too small for it.
bool read_socket_address(int family, const void* address, std::size_t size, SocketAddress* socket) noexcept;

// Whether a node is a whole IP address in the form of FI_ADDR_STR: "fi_sockaddr://10.31.6.12:7471".
bool is_ip_uri(std::string_view node) noexcept;

// By getaddrinfo(3). Without a node: the wildcard when `local`, else the loopback address. -ENODATA when unknown,
// -EINVAL when a URI is malformed or has a service beside it.
int resolve_host(int family, const char* node, const char* service, bool numeric, bool local, SocketAddress* socket);

// The wildcard, a loopback address, or an address of one of this host's interfaces.
bool is_this_host(const SocketAddress& socket) noexcept;

EndpointName ip_name(const SocketAddress& socket) noexcept;
bool parse_ip_name(const EndpointName& name, SocketAddress* socket) noexcept;

// Whether a name is an IP address that ends in ":0", so that whoever takes it is to choose a port.
bool leaves_port_open(const EndpointName& name) noexcept;
// Whether a name is an IPv4 address, not the wildcard, and no more. That says where to be and hardly who.
bool is_address_alone(const EndpointName& name) noexcept;

// `host` with the port of an IP name. False for the wildcard, and for a name that is no IP name of that family.
bool with_port_of(const EndpointName& name, const SocketAddress& host, SocketAddress* socket) noexcept;

// "fi_sockaddr_in://127.0.0.1:7471", as snprintf(3) would.
int print_socket_address(const SocketAddress& socket, char* text, std::size_t size) noexcept;

}  // namespace anchor
