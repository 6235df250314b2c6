// SPDX-License-Identifier: BSD-2-Clause
// Messages both ways under each address format, and addresses that print as what they are.
#include <netinet/in.h>

#include "common/node.h"
#include "common/registry.h"

namespace anchor::fabtests {

namespace {

// Each rank greets the other and hears from it by name.
void greet(Node& node, Team& team) {
  const auto seed = static_cast<std::uint64_t>(team.rank());
  Bytes out = patterned(3000, seed);
  Bytes in(out.size());
  node.submit([&] { return fi_trecv(node.ep(), in.data(), in.size(), nullptr, FI_ADDR_UNSPEC, 5, 0, nullptr); });
  const fi_addr_t other = node.peer(1 - team.rank());
  node.submit([&] { return fi_tsend(node.ep(), out.data(), out.size(), nullptr, other, 5, nullptr); });
  node.await_send();
  CHECK_EQ(node.await_receive().length, in.size());
  check_pattern(in.data(), in.size(), 1 - seed);
  team.barrier();
}

void meet(Team& team, std::uint32_t format, std::size_t name_size) {
  Node node(team, {.address_format = format});
  if (name_size != 0) CHECK_EQ(node.name().size(), name_size);
  node.introduce();
  greet(node, team);
}

}  // namespace

TEST(format_string, .ranks = 2) { meet(team, FI_ADDR_STR, 0); }

TEST(format_sockaddr, .ranks = 2) { meet(team, FI_SOCKADDR, 0); }

TEST(format_sockaddr_in, .ranks = 2) { meet(team, FI_SOCKADDR_IN, sizeof(sockaddr_in)); }

TEST(format_sockaddr_in6, .ranks = 2) { meet(team, FI_SOCKADDR_IN6, sizeof(sockaddr_in6)); }

TEST(format_printed) {
  for (const std::uint32_t format : {FI_SOCKADDR_IN, FI_SOCKADDR_IN6, FI_ADDR_STR}) {
    const Info hints = message_hints();
    hints->addr_format = format;
    Info info;
    if (get_info(hints.get(), &info) != 0 && !Team::provider_is_anchor()) continue;
    Node node(team, {.address_format = format});
    const Bytes name = node.name();
    char text[128];
    std::size_t length = sizeof(text);
    REQUIRE(fi_av_straddr(node.av(), name.data(), text, &length) == text);
    CHECK_EQ(length, std::string(text).size() + 1);
    if (format == FI_SOCKADDR_IN) CHECK_EQ(std::string(text).rfind("fi_sockaddr_in://", 0), 0u);
    if (format == FI_SOCKADDR_IN6) CHECK_EQ(std::string(text).rfind("fi_sockaddr_in6://", 0), 0u);
    char part[8] = "-------";
    length = 4;
    fi_av_straddr(node.av(), name.data(), part, &length);
    CHECK_EQ(length, std::string(text).size() + 1);
    CHECK_EQ(std::string(part + 4), "---");  // nothing behind the length given
  }
}

}  // namespace anchor::fabtests
