// SPDX-License-Identifier: BSD-2-Clause
// Endpoint names in the address formats of fi_getinfo(3).
//
// FI_ADDR_STR is the native one: "anchor://" and a name, zero-padded to kNameSize bytes. "anchor://" alone asks for any
// free name. FI_SOCKADDR, FI_SOCKADDR_IN and FI_SOCKADDR_IN6 are there for applications that insist on IP addresses
// (ip_names.h). Stateless and thread-safe. Errors: -EINVAL what is no address of the format, -ENODATA what cannot be
// resolved.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "os/endpoint_name.h"

namespace anchor {

// An address as it is handed to an application.
struct Address {
  alignas(8) std::array<std::byte, kNameSize> bytes{};
  std::size_t size = 0;
};

bool is_served_format(std::uint32_t format) noexcept;

// The address that stands for any free one: what a local address is when the application named none.
Address any_address(std::uint32_t format) noexcept;

// Takes over an address that `size` bytes can be read of, and checks its form.
int copy_address(std::uint32_t format, const void* from, std::size_t size, Address* to) noexcept;

// The name of a peer from its address (`size` bytes can be read). It need not exist.
int peer_name(std::uint32_t format, const void* address, std::size_t size, EndpointName* name) noexcept;

// The name of an endpoint of ours from the address it is to have. Empty: any. An IP address must be this host's.
int local_name(std::uint32_t format, const void* address, std::size_t size, EndpointName* name) noexcept;

// The address that has this name; size 0 when it has none in this format.
Address address_of(std::uint32_t format, const EndpointName& name) noexcept;

// The address that an endpoint of this name tells as its own: an IP address keeps the host it was `given` with, unless
// that is the wildcard, which means nothing to a peer. The port is the name's, since that may have been chosen by us.
Address own_address(std::uint32_t format, const EndpointName& name, const Address& given) noexcept;

// What fi_getinfo(3) and fi_av_insertsvc(3) are given: either may be nullptr, not both. A node in FI_ADDR_STR form
// stands alone. `local`: an address to have oneself rather than to send to.
struct ServiceQuery {
  const char* node = nullptr;
  const char* service = nullptr;
  bool numeric_host = false;
  bool local = false;
};
int resolve(std::uint32_t format, const ServiceQuery& query, Address* address);

// Whether an endpoint with this address can be ours or can be reached at all: an IP address must be this host's.
bool on_this_host(std::uint32_t format, const Address& address) noexcept;

// A printable form for fi_av_straddr(3), terminated; returns the size it needs with the terminator.
std::size_t print_address(std::uint32_t format, const void* address, char* text, std::size_t size) noexcept;

}  // namespace anchor
