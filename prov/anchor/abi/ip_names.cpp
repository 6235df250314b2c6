// SPDX-License-Identifier: BSD-2-Clause
#include "abi/ip_names.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <rdma/fabric.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace anchor {
namespace {

constexpr std::size_t kHostText = INET6_ADDRSTRLEN;

bool same_host(const SocketAddress& a, const SocketAddress& b) noexcept {
  if (a.family() != b.family()) return false;
  if (a.family() == AF_INET) return a.v4.sin_addr.s_addr == b.v4.sin_addr.s_addr;
  return std::memcmp(&a.v6.sin6_addr, &b.v6.sin6_addr, sizeof(in6_addr)) == 0;
}

std::vector<SocketAddress> interface_addresses() {
  std::vector<SocketAddress> found;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return found;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, ::freeifaddrs);
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    SocketAddress socket;
    if (entry->ifa_addr != nullptr && read_socket_address(AF_UNSPEC, entry->ifa_addr, sizeof(socket), &socket))
      found.push_back(socket);
  }
  return found;
}

bool is_interface_address(const SocketAddress& socket) noexcept {
  try {
    static const std::vector<SocketAddress> addresses = interface_addresses();
    return std::any_of(addresses.begin(), addresses.end(),
                       [&](const SocketAddress& own) { return same_host(own, socket); });
  } catch (const std::bad_alloc&) {
    return false;
  }
}

bool is_any(const SocketAddress& socket) noexcept {
  if (socket.family() == AF_INET) return socket.v4.sin_addr.s_addr == htonl(INADDR_ANY);
  return IN6_IS_ADDR_UNSPECIFIED(&socket.v6.sin6_addr);
}

bool is_loopback(const SocketAddress& socket) noexcept {
  if (socket.family() == AF_INET) return ntohl(socket.v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
  return IN6_IS_ADDR_LOOPBACK(&socket.v6.sin6_addr);
}

unsigned port_of(const SocketAddress& socket) noexcept {
  return ntohs(socket.family() == AF_INET6 ? socket.v6.sin6_port : socket.v4.sin_port);
}

// "host:port", the host of version 6 in brackets.
int print_host_and_port(const SocketAddress& socket, const char* prefix, char* text, std::size_t size) noexcept {
  char host[kHostText] = "";
  const bool six = socket.family() == AF_INET6;
  const void* address = six ? static_cast<const void*>(&socket.v6.sin6_addr) : &socket.v4.sin_addr;
  ::inet_ntop(socket.family(), address, host, sizeof(host));
  return std::snprintf(text, size, six ? "%s[%s]:%u" : "%s%s:%u", prefix, host, port_of(socket));
}

struct HostAndPort {
  std::string host;
  std::string port;
};

// Splits "host:port", "[host]:port" and a bare host.
std::optional<HostAndPort> split(std::string_view text) {
  const bool bracketed = text.starts_with('[');
  const std::size_t end = bracketed ? text.find(']') : text.rfind(':');
  if (bracketed && end == text.npos) return std::nullopt;
  if (!bracketed && end == text.npos) return HostAndPort{std::string(text), ""};
  const std::string_view host = bracketed ? text.substr(1, end - 1) : text.substr(0, end);
  std::string_view rest = text.substr(bracketed ? end + 1 : end);
  if (!rest.empty() && rest[0] != ':') return std::nullopt;
  return HostAndPort{std::string(host), std::string(rest.substr(rest.empty() ? 0 : 1))};
}

// The length of the prefix that makes a node a whole address (fi_getinfo(3), FI_ADDR_STR); 0 when it is a host.
std::size_t uri_prefix(std::string_view node) noexcept {
  for (const std::string_view prefix : {"fi_sockaddr://", "fi_sockaddr_in://", "fi_sockaddr_in6://"})
    if (node.starts_with(prefix)) return prefix.size();
  return 0;
}

// getaddrinfo(3) of glibc takes a number that is no port modulo 65536.
bool is_possible_port(std::string_view service) noexcept {
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(service.data(), service.data() + service.size(), number);
  const bool numeric = parsed.ec != std::errc::invalid_argument && parsed.ptr == service.data() + service.size();
  return !numeric || (parsed.ec == std::errc{} && number <= UINT16_MAX);
}

int lookup(const addrinfo& hints, const char* node, const char* service, SocketAddress* socket) noexcept {
  if (service != nullptr && !is_possible_port(service)) return -ENODATA;
  addrinfo* found = nullptr;
  if (::getaddrinfo(node, service, &hints, &found) != 0) return -ENODATA;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next)
    if (read_socket_address(hints.ai_family, entry->ai_addr, entry->ai_addrlen, socket)) return 0;
  return -ENODATA;
}

}  // namespace

int family_of(std::uint32_t format) noexcept {
  if (format == FI_SOCKADDR_IN) return AF_INET;
  return format == FI_SOCKADDR_IN6 ? AF_INET6 : AF_UNSPEC;
}

SocketAddress loopback(int family, std::uint16_t port) noexcept {
  SocketAddress socket;
  socket.generic.sa_family = static_cast<sa_family_t>(family);
  if (family == AF_INET6) {
    socket.v6.sin6_addr = in6addr_loopback;
    socket.v6.sin6_port = htons(port);
  } else {
    socket.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socket.v4.sin_port = htons(port);
  }
  return socket;
}

bool read_socket_address(int family, const void* address, std::size_t size, SocketAddress* socket) noexcept {
  sa_family_t actual;
  if (size < offsetof(sockaddr, sa_family) + sizeof(actual)) return false;
  std::memcpy(&actual, static_cast<const char*>(address) + offsetof(sockaddr, sa_family), sizeof(actual));
  if ((actual != AF_INET && actual != AF_INET6) || (family != AF_UNSPEC && family != actual)) return false;
  const std::size_t needed = actual == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  if (size < needed) return false;
  std::memcpy(static_cast<void*>(socket), address, needed);
  return true;
}

bool is_ip_uri(std::string_view node) noexcept { return uri_prefix(node) != 0; }

int resolve_host(int family, const char* node, const char* service, bool numeric, bool local, SocketAddress* socket) {
  addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;  // one entry an address; the name of a service means its TCP port
  hints.ai_flags = (numeric ? AI_NUMERICHOST : 0) | (local ? AI_PASSIVE : 0);
  if (node == nullptr || !is_ip_uri(node)) return lookup(hints, node, service, socket);
  const std::optional<HostAndPort> uri = split(node + uri_prefix(node));
  if (!uri || service != nullptr) return -EINVAL;
  hints.ai_flags |= AI_NUMERICHOST;
  return lookup(hints, uri->host.c_str(), uri->port.empty() ? nullptr : uri->port.c_str(), socket);
}

bool is_this_host(const SocketAddress& socket) noexcept {
  return is_any(socket) || is_loopback(socket) || is_interface_address(socket);
}

EndpointName ip_name(const SocketAddress& socket) noexcept {
  const bool ours = is_this_host(socket);
  const SocketAddress meant = ours ? loopback(socket.family(), static_cast<std::uint16_t>(port_of(socket))) : socket;
  EndpointName name;
  static_assert(kNamePrefix.size() + kHostText + sizeof("[]:65535") <= kNameSize);
  print_host_and_port(meant, kNamePrefix.data(), name.bytes.data(), kNameSize);
  return name;
}

bool parse_ip_name(const EndpointName& name, SocketAddress* socket) noexcept {
  std::string_view text = name.view();
  if (!text.starts_with(kNamePrefix)) return false;
  text.remove_prefix(kNamePrefix.size());
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) return false;
  const std::string_view port_text = text.substr(colon + 1);
  std::string_view host = text.substr(0, colon);
  std::uint16_t port = 0;
  const auto parsed = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (parsed.ec != std::errc{} || parsed.ptr != port_text.data() + port_text.size()) return false;

  const bool six = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (six) host = host.substr(1, host.size() - 2);
  char terminated[kNameSize] = "";
  host.copy(terminated, sizeof(terminated) - 1);
  SocketAddress result = loopback(six ? AF_INET6 : AF_INET, port);
  void* address = six ? static_cast<void*>(&result.v6.sin6_addr) : &result.v4.sin_addr;
  if (::inet_pton(result.family(), terminated, address) != 1) return false;
  *socket = result;
  return true;
}

bool leaves_port_open(const EndpointName& name) noexcept {
  SocketAddress socket;
  return name.view().ends_with(":0") && parse_ip_name(name, &socket);
}

bool is_address_alone(const EndpointName& name) noexcept {
  if (!name.view().starts_with(kNamePrefix)) return false;
  const std::string host(name.view().substr(kNamePrefix.size()));
  in_addr address;
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1 && address.s_addr != INADDR_ANY;
}

bool with_port_of(const EndpointName& name, const SocketAddress& host, SocketAddress* socket) noexcept {
  SocketAddress named;
  if (is_any(host) || !parse_ip_name(name, &named) || named.family() != host.family()) return false;
  *socket = host;
  if (host.family() == AF_INET) socket->v4.sin_port = named.v4.sin_port;
  if (host.family() == AF_INET6) socket->v6.sin6_port = named.v6.sin6_port;
  return true;
}

int print_socket_address(const SocketAddress& socket, char* text, std::size_t size) noexcept {
  const char* prefix = socket.family() == AF_INET6 ? "fi_sockaddr_in6://" : "fi_sockaddr_in://";
  return print_host_and_port(socket, prefix, text, size);
}

}  // namespace anchor
