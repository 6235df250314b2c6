// SPDX-License-Identifier: BSD-2-Clause
// node and service of fi_getinfo: with FI_SOURCE they name our own endpoint, without they name the one to talk to.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cstring>

#include "common/node.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

// Free for this process: nobody else has its number.
std::string own_port() { return std::to_string(20000 + getpid() % 40000); }

Info hints_with_format(std::uint32_t format) {
  Info hints = message_hints();
  hints->addr_format = format;
  return hints;
}

// The server is named by node and service, the client finds it by them alone: no name is exchanged out of band.
void meet_by_name(Team& team, std::uint32_t format, const std::string& host, const std::string& service) {
  NodeOptions options;
  options.address_format = format;
  options.host = host;
  options.service = service;
  options.host_flags = FI_SOURCE;
  if (team.rank() == 0) {
    Node server(team, options);
    char buffer[16] = {};
    server.submit([&] { return fi_recv(server.ep(), buffer, sizeof(buffer), nullptr, FI_ADDR_UNSPEC, nullptr); });
    team.barrier();
    CHECK_EQ(server.await_receive().length, 5u);
    CHECK_EQ(std::string(buffer, 5), "hello");
    team.barrier();
  } else {
    team.barrier();
    options.host_flags = 0;
    Node client(team, options);
    REQUIRE(client.info()->dest_addr != nullptr);
    const auto* raw = static_cast<const std::byte*>(client.info()->dest_addr);
    const fi_addr_t server = client.insert(Bytes(raw, raw + client.info()->dest_addrlen));
    client.submit([&] { return fi_inject(client.ep(), "hello", 5, server); });
    team.barrier();
  }
}

// The same port in both ranks: rank 0 chooses.
std::string agree_on_port(Team& team) { return to_text(team.gather(to_bytes(own_port()))[0]); }

}  // namespace

TEST(getinfo_meet_by_name, .ranks = 2) { meet_by_name(team, FI_ADDR_STR, "localhost", agree_on_port(team)); }

TEST(getinfo_meet_by_service_alone, .ranks = 2, .anchor_only = true) {
  meet_by_name(team, FI_ADDR_STR, "", agree_on_port(team));
}

TEST(getinfo_meet_by_ip4, .ranks = 2) { meet_by_name(team, FI_SOCKADDR_IN, "127.0.0.1", agree_on_port(team)); }

TEST(getinfo_meet_by_ip6, .ranks = 2) { meet_by_name(team, FI_SOCKADDR_IN6, "::1", agree_on_port(team)); }

TEST(getinfo_source_is_own_address) {
  const Info hints = hints_with_format(FI_SOCKADDR_IN);
  const Info info = info_or_skip(hints.get(), "127.0.0.1", "7471", FI_SOURCE);
  REQUIRE(info->src_addr != nullptr);
  REQUIRE_EQ(info->src_addrlen, sizeof(sockaddr_in));
  const auto* address = static_cast<const sockaddr_in*>(info->src_addr);
  CHECK_EQ(address->sin_family, AF_INET);
  CHECK_EQ(ntohs(address->sin_port), 7471);
  CHECK_EQ(ntohl(address->sin_addr.s_addr), INADDR_LOOPBACK);
}

// As upstream's fabtests with FI_ADDR_STR: the address without a service is all that either side is told, and both give
// it as their own.
TEST(getinfo_address_alone_names_a_server, .ranks = 2, .anchor_only = true, .shm_only = true) {
  NodeOptions options;
  options.address_format = FI_ADDR_STR;
  options.host = "127.0.77." + std::to_string(1 + getpid() % 250);
  options.host = to_text(team.gather(to_bytes(options.host))[0]);
  if (team.rank() != 0) team.hear(0);
  Node node(team, options);
  if (team.rank() == 0) team.tell(1, "open");
  const std::string name = "anchor://" + options.host;
  const std::string found = reinterpret_cast<const char*>(node.name().data());
  CHECK_EQ(found == name, team.rank() == 0);
  CHECK(found.starts_with(name));
  if (team.rank() == 0) {
    char byte = 0;
    node.submit([&] { return fi_recv(node.ep(), &byte, 1, nullptr, FI_ADDR_UNSPEC, nullptr); });
    node.await_receive();
  } else {
    Info hints = message_hints();
    hints->addr_format = FI_ADDR_STR;
    Info there;
    REQUIRE_OK(get_info(kApiVersion, options.host.c_str(), nullptr, 0, hints.get(), &there));
    const auto* raw = static_cast<const std::byte*>(there->dest_addr);
    const fi_addr_t server = node.insert(Bytes(raw, raw + there->dest_addrlen));
    node.submit([&] { return fi_inject(node.ep(), "x", 1, server); });
  }
  team.barrier();
}

// A host to be at, in whatever format and by whatever name, is not used up by the first endpoint there.
TEST(getinfo_source_without_service_is_any_port, .anchor_only = true) {
  for (const std::uint32_t format : {FI_ADDR_STR, FI_SOCKADDR_IN}) {
    NodeOptions options;
    options.address_format = format;
    options.host = "127.0.0.1";  // no name: who knows localhost is up to the machine
    options.host_flags = FI_SOURCE;
    const Node first(team, options);
    const Node second(team, options);
    CHECK(first.name() != second.name());
  }
}

TEST(getinfo_destination_is_peer_address) {
  const Info hints = hints_with_format(FI_SOCKADDR_IN6);
  const Info info = info_or_skip(hints.get(), "::1", "7472", FI_NUMERICHOST);
  REQUIRE(info->dest_addr != nullptr);
  REQUIRE_EQ(info->dest_addrlen, sizeof(sockaddr_in6));
  const auto* address = static_cast<const sockaddr_in6*>(info->dest_addr);
  CHECK_EQ(address->sin6_family, AF_INET6);
  CHECK_EQ(ntohs(address->sin6_port), 7472);
  CHECK_EQ(std::memcmp(&address->sin6_addr, &in6addr_loopback, sizeof(in6_addr)), 0);
}

// FI_NUMERICHOST: a name that would have to be resolved is an error.
TEST(getinfo_numeric_host_only, .anchor_only = true) {
  const Info hints = hints_with_format(FI_SOCKADDR_IN);
  Info info;
  CHECK(get_info(kApiVersion, "localhost", "7473", FI_NUMERICHOST, hints.get(), &info) < 0);
  CHECK_OK(get_info(kApiVersion, "127.0.0.1", "7473", FI_NUMERICHOST, hints.get(), &info));
}

TEST(getinfo_addresses_in_hints, .anchor_only = true) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(7474);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const Info hints = hints_with_format(FI_SOCKADDR_IN);
  hints->dest_addr = std::memcpy(std::malloc(sizeof(address)), &address, sizeof(address));
  hints->dest_addrlen = sizeof(address);
  const Info info = info_or_skip(hints.get());
  REQUIRE(info->dest_addr != nullptr);
  CHECK_EQ(std::memcmp(info->dest_addr, &address, sizeof(address)), 0);
}

// A service or node without the other, and none with FI_SOURCE: fi_getinfo(3) lets node or service be left out.
TEST(getinfo_refuses_useless_addresses, .anchor_only = true) {
  const Info hints = hints_with_format(FI_SOCKADDR_IN);
  Info info;
  CHECK(get_info(kApiVersion, "256.1.1.1", "1", FI_NUMERICHOST, hints.get(), &info) < 0);
  CHECK(get_info(kApiVersion, "127.0.0.1", "no port", 0, hints.get(), &info) < 0);
  CHECK(get_info(kApiVersion, "127.0.0.1", "70000", 0, hints.get(), &info) < 0);
  CHECK(get_info(kApiVersion, "::1", "1", FI_NUMERICHOST, hints.get(), &info) < 0);
  const Info strings = hints_with_format(FI_ADDR_STR);
  const std::string endless(300, 'x');
  CHECK(get_info(kApiVersion, endless.c_str(), "1", FI_SOURCE, strings.get(), &info) < 0);
}

TEST(getinfo_address_formats, .anchor_only = true) {
  for (const std::uint32_t format : {FI_ADDR_STR, FI_SOCKADDR, FI_SOCKADDR_IN, FI_SOCKADDR_IN6}) {
    Info info;
    CHECK_OK(get_info(hints_with_format(format).get(), &info));
    if (info == nullptr) continue;
    if (format != FI_SOCKADDR) CHECK_EQ(info->addr_format, format);
    if (format == FI_SOCKADDR) CHECK(info->addr_format != FI_ADDR_STR);
  }
  Info native;
  REQUIRE_OK(get_info(message_hints().get(), &native));
  CHECK_EQ(native->addr_format, FI_ADDR_STR);
}

}  // namespace anchor::fabtests
