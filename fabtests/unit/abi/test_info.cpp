// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "abi/capabilities.h"
#include "abi/info.h"
#include "open_domain.h"

using namespace anchor;

namespace {

const char* text_of(const void* address) { return static_cast<const char*>(address); }

std::uint16_t port_of(const void* address) { return ntohs(static_cast<const sockaddr_in*>(address)->sin_port); }

InfoPointer hints_with_format(std::uint32_t format) {
  InfoPointer hints = empty_hints();
  hints->addr_format = format;
  return hints;
}

sockaddr_in ip4(const char* host) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(7471);
  ::inet_pton(AF_INET, host, &address.sin_addr);
  return address;
}

void hint(const sockaddr_in& address, void** where, std::size_t* size) {
  std::free(*where);
  *where = std::memcpy(std::malloc(sizeof(address)), &address, sizeof(address));
  *size = sizeof(address);
}

}  // namespace

Test(info, without_hints_everything_is_offered) {
  const Answer answer = ask(nullptr, nullptr, nullptr, 0, 0);
  cr_assert_eq(answer.status, 0);
  cr_assert_eq(answer.info->caps, kDefaultCaps);
  cr_assert_eq(answer.info->mode, 0u);
  cr_assert_eq(answer.info->domain_attr->mr_mode, 0);
  cr_assert_eq(answer.info->domain_attr->av_type, FI_AV_UNSPEC);
  cr_assert_eq(answer.info->tx_attr->caps & ~answer.info->caps, 0u);
  cr_assert_eq(answer.info->rx_attr->caps & ~answer.info->caps, 0u);
  cr_assert_null(answer.info->fabric_attr->prov_name);  // the library's to fill in
}

Test(info, its_own_answer_is_served) {
  const Answer first = ask(nullptr);
  const Answer second = ask(first.info.get());
  cr_assert_eq(second.status, 0);
  cr_assert_eq(second.info->caps, first.info->caps);
}

Test(info, without_a_name_the_source_is_any) {
  const Answer answer = ask(nullptr);
  cr_assert_eq(answer.info->addr_format, FI_ADDR_STR);
  cr_assert_eq(answer.info->src_addrlen, 64u);
  cr_assert_str_eq(text_of(answer.info->src_addr), "anchor://");
  cr_assert_null(answer.info->dest_addr);
}

Test(info, node_and_service_name_the_peer_or_with_a_flag_oneself) {
  const Answer peer = ask(nullptr, "127.0.0.1", "7");
  cr_assert_str_eq(text_of(peer.info->dest_addr), "anchor://127.0.0.1:7");
  cr_assert_str_eq(text_of(peer.info->src_addr), "anchor://");
  const Answer own = ask(nullptr, nullptr, "7", FI_SOURCE);
  cr_assert_str_eq(text_of(own.info->src_addr), "anchor://127.0.0.1:7");
  cr_assert_null(own.info->dest_addr);
  cr_assert_eq(ask(nullptr, nullptr, nullptr, FI_SOURCE).status, -FI_EINVAL);
}

Test(info, ip_addresses_on_request) {
  const InfoPointer hints = hints_with_format(FI_SOCKADDR_IN);
  const Answer answer = ask(hints.get(), "127.0.0.1", "7471", FI_NUMERICHOST);
  cr_assert_eq(answer.status, 0);
  cr_assert_eq(answer.info->addr_format, FI_SOCKADDR_IN);
  cr_assert_eq(answer.info->dest_addrlen, sizeof(sockaddr_in));
  cr_assert_eq(port_of(answer.info->dest_addr), 7471);
  cr_assert_eq(port_of(answer.info->src_addr), 0);
}

Test(info, what_is_not_on_this_host_is_not_served) {
  const InfoPointer hints = hints_with_format(FI_SOCKADDR_IN);
  cr_assert_eq(ask(hints.get(), "192.0.2.1", "1", FI_NUMERICHOST).status, -FI_ENODATA);
  cr_assert_eq(ask(hints.get(), "192.0.2.1", "1", FI_NUMERICHOST | FI_SOURCE).status, -FI_ENODATA);
  cr_assert_eq(ask(hints.get(), "127.0.0.1", "65536", FI_NUMERICHOST).status, -FI_ENODATA);
  cr_assert_eq(ask(hints_with_format(FI_SOCKADDR_IB).get()).status, -FI_ENODATA);
}

// A string names an endpoint, not a host, unless it came as a node: then it must be this host's or an endpoint's.
Test(info, a_node_that_is_another_host_is_no_destination) {
  const std::string service = std::to_string(::getpid());
  std::string name = "anchor://192.0.2.1:" + service;
  cr_assert_eq(ask(nullptr, "192.0.2.1", service.c_str()).status, -FI_ENODATA);
  cr_assert_eq(ask(nullptr, name.c_str()).status, 0);
  cr_assert_eq(ask(nullptr, "127.1.2.3", service.c_str()).status, 0);
  const OpenDomain open;
  OpenEndpoint endpoint(open);
  cr_assert_eq(fi_setname(endpoint.ep.fid(), name.data(), name.size() + 1), 0);
  cr_assert_eq(fi_enable(endpoint.ep.get()), 0);
  cr_assert_eq(ask(nullptr, "192.0.2.1", service.c_str()).status, 0);
}

Test(info, this_host_is_a_destination_by_its_name) {
  char host[256];
  cr_assert_eq(::gethostname(host, sizeof(host)), 0);
  addrinfo* found = nullptr;
  if (::getaddrinfo(host, nullptr, nullptr, &found) != 0) cr_skip_test("this host has a name that means nothing");
  ::freeaddrinfo(found);
  cr_assert_eq(ask(nullptr, host, "1").status, 0);
}

Test(info, a_hinted_destination_must_be_on_this_host) {
  const InfoPointer hints = hints_with_format(FI_SOCKADDR_IN);
  hint(ip4("192.0.2.1"), &hints->dest_addr, &hints->dest_addrlen);
  cr_assert_eq(ask(hints.get()).status, -FI_ENODATA);
  hint(ip4("127.0.0.1"), &hints->dest_addr, &hints->dest_addrlen);
  cr_assert_eq(ask(hints.get()).status, 0);
}

Test(info, hinted_ip_addresses_come_back_as_given) {
  const InfoPointer hints = hints_with_format(FI_SOCKADDR_IN);
  const sockaddr_in source = ip4("127.1.2.3"), destination = ip4("127.4.5.6");
  hint(source, &hints->src_addr, &hints->src_addrlen);
  hint(destination, &hints->dest_addr, &hints->dest_addrlen);
  const Answer answer = ask(hints.get());
  cr_assert_eq(answer.status, 0);
  cr_assert_eq(std::memcmp(answer.info->src_addr, &source, sizeof(source)), 0);
  cr_assert_eq(std::memcmp(answer.info->dest_addr, &destination, sizeof(destination)), 0);
}

Test(info, addresses_from_hints) {
  const InfoPointer hints = empty_hints();
  hints->src_addr = ::strdup("anchor://me");
  hints->src_addrlen = sizeof("anchor://me");
  hints->dest_addr = ::strdup("anchor://you");
  hints->dest_addrlen = sizeof("anchor://you");
  const Answer both = ask(hints.get());
  cr_assert_str_eq(text_of(both.info->src_addr), "anchor://me");
  cr_assert_str_eq(text_of(both.info->dest_addr), "anchor://you");
  const Answer named = ask(hints.get(), "anchor://they", nullptr);
  cr_assert_str_eq(text_of(named.info->src_addr), "anchor://me");
  cr_assert_str_eq(text_of(named.info->dest_addr), "anchor://they");
  const Answer source = ask(hints.get(), "they", nullptr, FI_SOURCE);
  cr_assert_str_eq(text_of(source.info->src_addr), "anchor://they");
  cr_assert_str_eq(text_of(source.info->dest_addr), "anchor://you");
}

Test(info, flags) {
  cr_assert_eq(ask(nullptr, nullptr, nullptr, 1ull << 59).status, -FI_ENODATA);  // layering over us
  cr_assert_eq(ask(nullptr, nullptr, nullptr, FI_MORE).status, -FI_EBADFLAGS);
  const Answer answer = ask(nullptr, nullptr, nullptr, FI_PROV_ATTR_ONLY);
  cr_assert_eq(answer.status, 0);
  cr_assert_null(answer.info->fabric_attr->prov_name);  // the library's to fill in
  cr_assert_null(answer.info->domain_attr->name);
}
