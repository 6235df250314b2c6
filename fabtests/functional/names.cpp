// SPDX-License-Identifier: BSD-2-Clause
// fi_getname and fi_setname: what an endpoint is called, and that the name is short, unique and of one length
// everywhere.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cstring>
#include <set>

#include "common/node.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

constexpr std::size_t kLongestName = 64;

// An endpoint that is bound but not enabled, so that its name can still be set.
struct Unnamed {
  explicit Unnamed(std::uint32_t format) {
    const Info hints = message_hints();
    hints->addr_format = format;
    open = OpenDomain(info_or_skip(hints.get()).get());
    cq = open_cq(open.domain.get());
    av = open_av(open.domain.get());
    REQUIRE_OK(fi_endpoint(open.domain.get(), open.info.get(), ep.out(), nullptr));
    REQUIRE_OK(fi_ep_bind(ep.get(), av.as_fid(), 0));
    REQUIRE_OK(fi_ep_bind(ep.get(), cq.as_fid(), FI_TRANSMIT | FI_RECV));
  }
  int set_name(const void* name, std::size_t size) { return fi_setname(ep.as_fid(), const_cast<void*>(name), size); }

  OpenDomain open;
  Owned<fid_cq> cq;
  Owned<fid_av> av;
  Owned<fid_ep> ep;
};

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

Bytes bytes_of(const sockaddr_in& address) {
  const auto* raw = reinterpret_cast<const std::byte*>(&address);
  return Bytes(raw, raw + sizeof(address));
}

int port_of(const Bytes& name) {
  sockaddr_in address;
  REQUIRE_EQ(name.size(), sizeof(address));
  std::memcpy(&address, name.data(), sizeof(address));
  return ntohs(address.sin_port);
}

}  // namespace

TEST(name_has_one_length_everywhere, .ranks = 4, .anchor_only = true) {
  Node node(team);
  const std::vector<Bytes> names = team.gather(node.name());
  for (const Bytes& name : names) {
    CHECK_EQ(name.size(), names[0].size());
    CHECK(name.size() <= kLongestName);
  }
  CHECK_EQ(std::set<Bytes>(names.begin(), names.end()).size(), names.size());
}

TEST(name_buffer_too_small) {
  Node node(team);
  const Bytes whole = node.name();
  Bytes part(whole.size(), std::byte{0});
  std::size_t length = whole.size() - 1;
  CHECK_EQ(fi_getname(&node.ep()->fid, part.data(), &length), -FI_ETOOSMALL);
  CHECK_EQ(length, whole.size());
  CHECK(part.back() == std::byte{0});
  length = 0;
  CHECK_EQ(fi_getname(&node.ep()->fid, nullptr, &length), -FI_ETOOSMALL);  // the way to ask for the length
  CHECK_EQ(length, whole.size());
}

TEST(name_is_unique_within_a_process) {
  const OpenDomain open = OpenDomain::usual();
  std::set<Bytes> names;
  std::vector<std::unique_ptr<Node>> nodes;
  for (int i = 0; i < 16; ++i) {
    nodes.push_back(std::make_unique<Node>(team, open));
    CHECK(names.insert(nodes.back()->name()).second);
  }
}

TEST(name_can_be_set, .anchor_only = true) {
  Unnamed endpoint(FI_SOCKADDR_IN);
  const sockaddr_in wanted = loopback(20000 + getpid() % 40000);
  REQUIRE_OK(endpoint.set_name(&wanted, sizeof(wanted)));
  REQUIRE_OK(fi_enable(endpoint.ep.get()));
  CHECK_EQ(port_of(name_of(endpoint.ep.get())), ntohs(wanted.sin_port));
  CHECK(endpoint.set_name(&wanted, sizeof(wanted)) < 0);  // too late
}

TEST(name_string_can_be_set, .anchor_only = true) {
  Unnamed endpoint(FI_ADDR_STR);
  Unnamed other(FI_ADDR_STR);
  const Bytes given = name_of(other.ep.get());  // a well-formed name, changed a little
  Bytes wanted = given;
  const std::size_t end = to_text(given).find('\0');
  REQUIRE(end != std::string::npos && end > 0);
  wanted[end - 1] = wanted[end - 1] == std::byte{'z'} ? std::byte{'y'} : std::byte{'z'};
  REQUIRE_OK(endpoint.set_name(wanted.data(), wanted.size()));
  REQUIRE_OK(fi_enable(endpoint.ep.get()));
  CHECK(name_of(endpoint.ep.get()) == wanted);
}

// Any of this host's addresses is kept, although all of them mean the same endpoint.
TEST(name_address_is_kept, .anchor_only = true) {
  Unnamed endpoint(FI_SOCKADDR_IN);
  sockaddr_in wanted = loopback(20000 + getpid() % 40000);
  wanted.sin_addr.s_addr = htonl(0x7f010203);
  REQUIRE_OK(endpoint.set_name(&wanted, sizeof(wanted)));
  CHECK(name_of(endpoint.ep.get()) == bytes_of(wanted));
  REQUIRE_OK(fi_enable(endpoint.ep.get()));
  CHECK(name_of(endpoint.ep.get()) == bytes_of(wanted));
  Unnamed other(FI_SOCKADDR_IN);
  const sockaddr_in same = loopback(ntohs(wanted.sin_port));
  REQUIRE_OK(other.set_name(&same, sizeof(same)));
  CHECK_EQ(fi_enable(other.ep.get()), -FI_EADDRINUSE);
}

// "anchor://" alone asks for any name: there is one at once, as there is for an endpoint that asked for nothing.
TEST(name_string_of_any_is_chosen_at_once, .anchor_only = true) {
  Unnamed endpoint(FI_ADDR_STR);
  const Bytes first = name_of(endpoint.ep.get());
  const std::string any = "anchor://";
  REQUIRE_OK(endpoint.set_name(any.c_str(), any.size() + 1));
  const Bytes chosen = name_of(endpoint.ep.get());
  CHECK(to_text(chosen).find(any) == 0 && to_text(chosen).find('\0') > any.size());
  CHECK(chosen != first);
  REQUIRE_OK(fi_enable(endpoint.ep.get()));
  CHECK(name_of(endpoint.ep.get()) == chosen);
}

TEST(name_port_zero_means_a_free_one, .anchor_only = true) {
  std::set<int> ports;
  std::vector<std::unique_ptr<Unnamed>> endpoints;
  for (int i = 0; i < 8; ++i) {
    endpoints.push_back(std::make_unique<Unnamed>(FI_SOCKADDR_IN));
    const sockaddr_in any = loopback(0);
    REQUIRE_OK(endpoints.back()->set_name(&any, sizeof(any)));
    REQUIRE_OK(fi_enable(endpoints.back()->ep.get()));
    const int port = port_of(name_of(endpoints.back()->ep.get()));
    CHECK(port != 0);
    CHECK(ports.insert(port).second);
  }
}

TEST(name_in_use_is_refused, .anchor_only = true) {
  Unnamed first(FI_SOCKADDR_IN);
  Unnamed second(FI_SOCKADDR_IN);
  const sockaddr_in wanted = loopback(20000 + getpid() % 40000);
  REQUIRE_OK(first.set_name(&wanted, sizeof(wanted)));
  REQUIRE_OK(fi_enable(first.ep.get()));
  const int set = second.set_name(&wanted, sizeof(wanted));
  CHECK_EQ(set != 0 ? set : fi_enable(second.ep.get()), -FI_EADDRINUSE);
}

TEST(name_in_use_by_another_process, .ranks = 2, .anchor_only = true, .shm_only = true) {
  Unnamed endpoint(FI_SOCKADDR_IN);
  const Bytes port = team.gather(to_bytes(std::to_string(20000 + getpid() % 40000)))[0];
  const sockaddr_in wanted = loopback(std::stoi(to_text(port)));
  if (team.rank() == 1) team.barrier();
  const int set = endpoint.set_name(&wanted, sizeof(wanted));
  const int rc = set != 0 ? set : fi_enable(endpoint.ep.get());
  CHECK_EQ(rc, team.rank() == 0 ? 0 : -FI_EADDRINUSE);
  if (team.rank() == 0) team.barrier();
  team.barrier();
}

TEST(name_nonsense_is_refused, .anchor_only = true) {
  Unnamed sockets(FI_SOCKADDR_IN);
  sockaddr_in address = loopback(1);
  CHECK(sockets.set_name(&address, sizeof(address) - 1) < 0);
  address.sin_family = AF_UNIX;
  CHECK(sockets.set_name(&address, sizeof(address)) < 0);
  Unnamed strings(FI_ADDR_STR);
  const std::string endless(1000, 'x');
  CHECK(strings.set_name(endless.c_str(), endless.size() + 1) < 0);
  CHECK(strings.set_name("", 1) < 0);
}

}  // namespace anchor::fabtests
