// SPDX-License-Identifier: BSD-2-Clause
// Insertion by host and service (insertsvc, insertsym).
#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include "common/node.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

int first_port() { return 20000 + getpid() % 20000; }

std::string printed(fid_av* av, fi_addr_t address) {
  Bytes raw(256);
  std::size_t length = raw.size();
  REQUIRE_OK(fi_av_lookup(av, address, raw.data(), &length));
  char text[256];
  length = sizeof(text);
  fi_av_straddr(av, raw.data(), text, &length);
  return text;
}

NodeOptions served_at(const std::string& host, int port, std::uint32_t format) {
  NodeOptions options;
  options.address_format = format;
  options.host = host;
  options.service = std::to_string(port);
  return options;
}

// A message arrives at the endpoint that was inserted by its host and service.
void reach(Team& team, const std::string& host, std::uint32_t format) {
  const int port = std::stoi(to_text(team.gather(to_bytes(std::to_string(first_port())))[0]));
  Node node(team, served_at(host, port + team.rank(), format));
  const std::string service = std::to_string(port + 1 - team.rank());
  fi_addr_t other = FI_ADDR_NOTAVAIL;
  REQUIRE_EQ(fi_av_insertsvc(node.av(), host.c_str(), service.c_str(), &other, 0, nullptr), 1);
  team.barrier();
  char in = 0;
  node.submit([&] { return fi_recv(node.ep(), &in, 1, nullptr, FI_ADDR_UNSPEC, nullptr); });
  node.submit([&] { return fi_inject(node.ep(), "s", 1, other); });
  CHECK_EQ(node.await_receive().length, 1u);
  team.barrier();
}

}  // namespace

TEST(av_service_ip4, .ranks = 2, .anchor_only = true) { reach(team, "127.0.0.1", FI_SOCKADDR_IN); }

TEST(av_service_ip6, .ranks = 2, .anchor_only = true) { reach(team, "::1", FI_SOCKADDR_IN6); }

TEST(av_service_string, .ranks = 2, .anchor_only = true) { reach(team, "localhost", FI_ADDR_STR); }

// A whole address string as the host, without a service (fi_av(3)).
TEST(av_service_whole_address, .anchor_only = true) {
  Node node(team, {.address_format = FI_ADDR_STR});
  const Bytes name = node.name();
  fi_addr_t address = FI_ADDR_NOTAVAIL;
  CHECK_EQ(fi_av_insertsvc(node.av(), reinterpret_cast<const char*>(name.data()), nullptr, &address, 0, nullptr), 1);
  Bytes found(name.size());
  std::size_t length = found.size();
  REQUIRE_OK(fi_av_lookup(node.av(), address, found.data(), &length));
  CHECK(found == name);
}

// The same in the IP forms: the endpoint that others know by host and service.
TEST(av_service_whole_ip_address, .anchor_only = true) {
  Node node(team, {.address_format = FI_ADDR_STR});
  fi_addr_t addresses[2] = {FI_ADDR_NOTAVAIL, FI_ADDR_NOTAVAIL};
  CHECK_EQ(fi_av_insertsvc(node.av(), "fi_sockaddr_in://127.0.0.1:7471", nullptr, &addresses[0], 0, nullptr), 1);
  CHECK_EQ(fi_av_insertsvc(node.av(), "127.0.0.1", "7471", &addresses[1], 0, nullptr), 1);
  CHECK_EQ(printed(node.av(), addresses[0]), printed(node.av(), addresses[1]));
  CHECK(fi_av_insertsvc(node.av(), "fi_sockaddr_ib://127.0.0.1:7471", nullptr, addresses, 0, nullptr) <= 0);
}

TEST(av_service_refuses_nonsense, .anchor_only = true) {
  Node node(team, {.address_format = FI_SOCKADDR_IN});
  fi_addr_t address = 0;
  CHECK(fi_av_insertsvc(node.av(), "::1", "1", &address, 0, nullptr) <= 0);
  CHECK_EQ(address, FI_ADDR_NOTAVAIL);
  CHECK(fi_av_insertsvc(node.av(), "127.0.0.1", "port", &address, 0, nullptr) <= 0);
  CHECK(fi_av_insertsvc(node.av(), nullptr, nullptr, &address, 0, nullptr) <= 0);
}

// All services of a host before the next host, numbers counting upwards.
TEST(av_symmetric_ip4) {
  Node node(team, {.address_format = FI_SOCKADDR_IN});
  fi_addr_t addresses[6];
  const int inserted = fi_av_insertsym(node.av(), "127.0.0.1", 2, "5000", 3, addresses, 0, nullptr);
  CHECK_EQ(inserted, 6);
  const char* wanted[] = {"127.0.0.1:5000", "127.0.0.1:5001", "127.0.0.1:5002",
                          "127.0.0.2:5000", "127.0.0.2:5001", "127.0.0.2:5002"};
  for (int i = 0; i < 6 && inserted == 6; ++i) {
    CHECK_EQ(printed(node.av(), addresses[i]), std::string("fi_sockaddr_in://") + wanted[i]);
  }
}

TEST(av_symmetric_strings, .anchor_only = true) {
  Node node(team, {.address_format = FI_ADDR_STR});
  fi_addr_t symmetric[4];
  CHECK_EQ(fi_av_insertsym(node.av(), "host9", 2, "10", 2, symmetric, 0, nullptr), 4);
  const char* hosts[] = {"host9", "host10"};
  const char* services[] = {"10", "11"};
  for (int i = 0; i < 4; ++i) {
    fi_addr_t single = FI_ADDR_NOTAVAIL;
    CHECK_EQ(fi_av_insertsvc(node.av(), hosts[i / 2], services[i % 2], &single, 0, nullptr), 1);
    CHECK_EQ(printed(node.av(), symmetric[i]), printed(node.av(), single));
  }
}

TEST(av_symmetric_refuses_nonsense, .anchor_only = true) {
  Node node(team, {.address_format = FI_ADDR_STR});
  fi_addr_t addresses[4];
  CHECK(fi_av_insertsym(node.av(), "nonumber", 2, "1", 1, addresses, 0, nullptr) <= 0);
  CHECK(fi_av_insertsym(node.av(), "host1", 1, "service", 2, addresses, 0, nullptr) <= 0);
  CHECK(fi_av_insertsym(node.av(), nullptr, 1, "1", 1, addresses, 0, nullptr) <= 0);
}

}  // namespace anchor::fabtests
