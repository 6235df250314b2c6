// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <rdma/fabric.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "abi/ip_names.h"
#include "abi/names.h"

using namespace anchor;

namespace {

std::string text_of(const EndpointName& name) { return std::string(name.view()); }

std::string peer_text(const char* text) {
  EndpointName name;
  return peer_name(FI_ADDR_STR, text, std::strlen(text) + 1, &name) == 0 ? text_of(name) : "refused";
}

std::string resolved(std::uint32_t format, const char* node, const char* service) {
  Address address;
  EndpointName name;
  if (resolve(format, {.node = node, .service = service, .numeric_host = true}, &address) != 0) return "refused";
  return peer_name(format, address.bytes.data(), address.size, &name) == 0 ? text_of(name) : "no name";
}

sockaddr_in v4(const char* host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  ::inet_pton(AF_INET, host, &address.sin_addr);
  return address;
}

std::string v4_name(const char* host, std::uint16_t port) {
  const sockaddr_in address = v4(host, port);
  EndpointName name;
  return peer_name(FI_SOCKADDR_IN, &address, sizeof(address), &name) == 0 ? text_of(name) : "refused";
}

std::string printed(std::uint32_t format, const void* address) {
  char text[100];
  const std::size_t size = print_address(format, address, text, sizeof(text));
  cr_expect_eq(size, std::strlen(text) + 1);
  return text;
}

}  // namespace

Test(names, strings) {
  cr_assert(peer_text("anchor://a") == "anchor://a");
  cr_assert(peer_text("anchor://") == "refused");
  cr_assert(peer_text("") == "refused");
  cr_assert(peer_text("fi_shm://a") == "refused");
  cr_assert(peer_text("anchor://a b") == "refused");
  const std::string longest = "anchor://" + std::string(54, 'x');
  cr_assert(peer_text(longest.c_str()) == longest);
  cr_assert(peer_text((longest + "x").c_str()) == "refused");
}

Test(names, a_string_ends_with_its_buffer) {
  EndpointName name;
  cr_assert_eq(peer_name(FI_ADDR_STR, "anchor://abc", 10, &name), 0);
  cr_assert(text_of(name) == "anchor://a");
}

Test(names, any_name_is_for_oneself_only) {
  for (const std::uint32_t format : {FI_ADDR_STR, FI_SOCKADDR, FI_SOCKADDR_IN, FI_SOCKADDR_IN6}) {
    const Address any = any_address(format);
    EndpointName name;
    cr_assert_eq(local_name(format, any.bytes.data(), any.size, &name), 0);
    cr_assert_eq(name.empty(), format == FI_ADDR_STR);
    cr_assert(name.empty() || name.view().ends_with(":0"));
  }
}

Test(names, only_an_ip_address_leaves_its_port_open) {
  const auto open = [](const char* text) { return leaves_port_open(EndpointName::from(text)); };
  cr_assert(open("anchor://127.0.0.1:0") && open("anchor://[::1]:0"));
  for (const char* text :
       {"anchor://127.0.0.1:10", "anchor://127.0.0.1:00", "anchor://127.0.0.1:", "anchor://127.0.0.1",
        "anchor://[::1]:1", "anchor://::1:0", "anchor://rank:0", "anchor://0", "anchor://:0", ""})
    cr_expect_not(open(text), "%s", text);
}

Test(names, node_and_service) {
  cr_assert(resolved(FI_ADDR_STR, "n", "s") == "anchor://n:s");
  cr_assert(resolved(FI_ADDR_STR, "n", nullptr) == "anchor://n");
  cr_assert(resolved(FI_ADDR_STR, nullptr, "s") == "anchor://127.0.0.1:s");
  cr_assert(resolved(FI_ADDR_STR, "anchor://n", nullptr) == "anchor://n");
  cr_assert(resolved(FI_ADDR_STR, "anchor://n", "s") == "refused");
  cr_assert(resolved(FI_ADDR_STR, nullptr, nullptr) == "refused");
  cr_assert(resolved(FI_SOCKADDR_IN, "127.0.0.1", "80") == "anchor://127.0.0.1:80");
  cr_assert(resolved(FI_SOCKADDR_IN6, "::1", "80") == "anchor://[::1]:80");
  cr_assert(resolved(FI_SOCKADDR_IN, "::1", "80") == "refused");
  cr_assert(resolved(FI_SOCKADDR_IN, "fi_sockaddr_in://127.0.0.1:81", nullptr) == "anchor://127.0.0.1:81");
  cr_assert(resolved(FI_SOCKADDR, "fi_sockaddr_in6://[::1]:81", nullptr) == "anchor://[::1]:81");
}

Test(names, a_node_that_is_a_whole_ip_address) {
  cr_assert(resolved(FI_ADDR_STR, "fi_sockaddr://127.0.0.1:81", nullptr) == "anchor://127.0.0.1:81");
  cr_assert(resolved(FI_ADDR_STR, "fi_sockaddr_in://127.1.2.3:81", nullptr) == "anchor://127.0.0.1:81");
  cr_assert(resolved(FI_ADDR_STR, "fi_sockaddr_in6://[::1]:81", nullptr) == "anchor://[::1]:81");
  cr_assert(resolved(FI_ADDR_STR, "fi_sockaddr://192.0.2.1:81", nullptr) == "anchor://192.0.2.1:81");
  cr_assert(resolved(FI_ADDR_STR, "fi_sockaddr://127.0.0.1:81", "81") == "refused");
  cr_assert(resolved(FI_ADDR_STR, "fi_sockaddr_in6://[::1", nullptr) == "refused");
  cr_assert(resolved(FI_ADDR_STR, "fi_sockaddr_ib://[::1]:81", nullptr) == "refused");
  cr_assert(resolved(FI_ADDR_STR, "fi_shm://81", nullptr) == "refused");
  Address address;
  const ServiceQuery own{.node = "fi_sockaddr://192.0.2.1:81", .local = true};
  cr_assert_eq(resolve(FI_ADDR_STR, own, &address), -ENODATA);
}

Test(names, a_host_without_a_service_is_any_port_for_oneself) {
  const auto own = [](const char* node) {
    Address address;
    EndpointName name;
    const ServiceQuery query{.node = node, .numeric_host = true, .local = true};
    if (resolve(FI_ADDR_STR, query, &address) != 0) return std::string("refused");
    return local_name(FI_ADDR_STR, address.bytes.data(), address.size, &name) == 0 ? text_of(name) : "no name";
  };
  cr_assert(own("127.0.0.1") == "anchor://127.0.0.1");  // the first one's; see Ep::set_name
  cr_assert(own("0.0.0.0") == "anchor://127.0.0.1:0");
  cr_assert(own("::1") == "anchor://[::1]:0");
  cr_assert(own("192.0.2.1") == "anchor://192.0.2.1");  // not this host: a name like any other
  cr_assert(own("rank7") == "anchor://rank7");
  cr_assert(own("anchor://127.0.0.1") == "anchor://127.0.0.1");
}

Test(names, all_addresses_of_this_host_are_one) {
  cr_assert(v4_name("127.0.0.1", 9) == "anchor://127.0.0.1:9");
  cr_assert(v4_name("127.1.2.3", 9) == "anchor://127.0.0.1:9");
  cr_assert(v4_name("0.0.0.0", 9) == "anchor://127.0.0.1:9");
  cr_assert(v4_name("192.0.2.1", 9) == "anchor://192.0.2.1:9");
  const sockaddr_in foreign = v4("192.0.2.1", 9);
  EndpointName name;
  cr_assert_eq(local_name(FI_SOCKADDR_IN, &foreign, sizeof(foreign), &name), -EADDRNOTAVAIL);
}

Test(names, socket_addresses_are_checked) {
  const sockaddr_in address = v4("127.0.0.1", 9);
  EndpointName name;
  cr_assert_eq(peer_name(FI_SOCKADDR_IN, &address, sizeof(address) - 1, &name), -EINVAL);
  cr_assert_eq(peer_name(FI_SOCKADDR_IN6, &address, sizeof(address), &name), -EINVAL);
  cr_assert_eq(peer_name(FI_SOCKADDR, &address, sizeof(address), &name), 0);
  cr_assert_eq(peer_name(FI_SOCKADDR, nullptr, 0, &name), -EINVAL);
}

Test(names, back_to_addresses) {
  const Address text = address_of(FI_ADDR_STR, EndpointName::from("anchor://x"));
  cr_assert_eq(text.size, kNameSize);
  const Address socket = address_of(FI_SOCKADDR_IN, EndpointName::from("anchor://127.0.0.1:9"));
  const sockaddr_in expected = v4("127.0.0.1", 9);
  cr_assert_eq(socket.size, sizeof(expected));
  cr_assert_eq(std::memcmp(socket.bytes.data(), &expected, sizeof(expected)), 0);
  cr_assert_eq(address_of(FI_SOCKADDR, EndpointName::from("anchor://[::1]:9")).size, sizeof(sockaddr_in6));
  cr_assert_eq(address_of(FI_SOCKADDR_IN, EndpointName::from("anchor://[::1]:9")).size, 0u);
  for (const char* bad : {"anchor://x", "anchor://127.0.0.1", "anchor://127.0.0.1:", "anchor://127.0.0.1:65536",
                          "anchor://127.0.0.1:9x", "anchor://[::1:9", "anchor://:9"})
    cr_expect_eq(address_of(FI_SOCKADDR, EndpointName::from(bad)).size, 0u, "%s", bad);
}

Test(names, ones_own_address_is_the_one_given) {
  const EndpointName name = EndpointName::from("anchor://127.0.0.1:9");
  const auto own = [&](std::uint32_t format, const char* host, std::uint16_t port) {
    const sockaddr_in socket = v4(host, port);
    Address given;
    cr_assert_eq(copy_address(FI_SOCKADDR_IN, &socket, sizeof(socket), &given), 0);
    return printed(format, own_address(format, name, given).bytes.data());
  };
  cr_assert(own(FI_SOCKADDR_IN, "127.1.2.3", 9) == "fi_sockaddr_in://127.1.2.3:9");
  cr_assert(own(FI_SOCKADDR, "127.1.2.3", 0) == "fi_sockaddr_in://127.1.2.3:9");  // a port that was chosen
  cr_assert(own(FI_SOCKADDR_IN, "0.0.0.0", 9) == "fi_sockaddr_in://127.0.0.1:9");
  cr_assert(own(FI_ADDR_STR, "127.1.2.3", 9) == "anchor://127.0.0.1:9");
  cr_assert(printed(FI_SOCKADDR_IN, own_address(FI_SOCKADDR_IN, name, {}).bytes.data()) ==
            "fi_sockaddr_in://127.0.0.1:9");
}

Test(names, printing) {
  const sockaddr_in address = v4("192.0.2.1", 9);
  cr_assert(printed(FI_SOCKADDR_IN, &address) == "fi_sockaddr_in://192.0.2.1:9");
  const Address six = address_of(FI_SOCKADDR_IN6, EndpointName::from("anchor://[::1]:9"));
  cr_assert(printed(FI_SOCKADDR, six.bytes.data()) == "fi_sockaddr_in6://[::1]:9");
  const EndpointName name = EndpointName::from("anchor://x");
  cr_assert(printed(FI_ADDR_STR, name.bytes.data()) == "anchor://x");
  char small[5];
  cr_assert_eq(print_address(FI_ADDR_STR, name.bytes.data(), small, sizeof(small)), sizeof("anchor://x"));
  cr_assert_str_eq(small, "anch");
}
