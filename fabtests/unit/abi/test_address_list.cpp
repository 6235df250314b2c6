// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <rdma/fabric.h>

#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "abi/address_list.h"

using namespace anchor;

namespace {

// What a list yields, "-" for what is no address.
std::vector<std::string> walk(std::uint32_t format, const void* addresses, std::size_t count) {
  AddressList list(format, addresses, count);
  std::vector<std::string> found;
  for (std::size_t i = 0; i < count; ++i) {
    Address address;
    EndpointName name;
    const bool good = list.next(&address) == 0 && peer_name(format, address.bytes.data(), address.size, &name) == 0;
    found.push_back(good ? std::string(name.view()) : "-");
  }
  return found;
}

using Texts = std::vector<std::string>;

// Exactly as large as its contents, so that a sanitizer sees a step behind them.
std::unique_ptr<char[]> exactly(const std::string& bytes) {
  auto copy = std::make_unique<char[]>(bytes.size());
  std::memcpy(copy.get(), bytes.data(), bytes.size());
  return copy;
}

std::string padded(const char* text) {
  std::string bytes = text;
  bytes.resize(kNameSize);
  return bytes;
}

}  // namespace

Test(address_list, names_as_getname_gives_them) {
  const auto bytes = exactly(padded("anchor://a") + padded("anchor://bb") + padded("anchor://c"));
  cr_assert(walk(FI_ADDR_STR, bytes.get(), 3) == (Texts{"anchor://a", "anchor://bb", "anchor://c"}));
}

Test(address_list, packed_strings) {
  const auto bytes = exactly(std::string("anchor://a\0anchor://bb\0anchor://c\0", 34));
  cr_assert(walk(FI_ADDR_STR, bytes.get(), 3) == (Texts{"anchor://a", "anchor://bb", "anchor://c"}));
}

Test(address_list, the_longest_name_is_packed_and_padded_at_once) {
  const std::string longest = "anchor://" + std::string(54, 'x');
  const auto bytes = exactly(padded(longest.c_str()) + padded("anchor://b"));
  cr_assert(walk(FI_ADDR_STR, bytes.get(), 2) == (Texts{longest, "anchor://b"}));
}

Test(address_list, one_string_is_not_read_behind_its_end) {
  const auto bytes = exactly(std::string("anchor://a\0", 11));
  cr_assert(walk(FI_ADDR_STR, bytes.get(), 1) == (Texts{"anchor://a"}));
}

Test(address_list, pointers_to_strings) {
  const std::string a = "anchor://a", b = "anchor://b", bad = "bad";
  const std::array<const char*, 4> pointers{a.c_str(), bad.c_str(), nullptr, b.c_str()};
  cr_assert(walk(FI_ADDR_STR, pointers.data(), 4) == (Texts{"anchor://a", "-", "-", "anchor://b"}));
}

Test(address_list, a_bad_name_costs_itself_only) {
  const auto bytes = exactly(padded("anchor://a") + padded("") + padded("anchor://c"));
  cr_assert(walk(FI_ADDR_STR, bytes.get(), 3) == (Texts{"anchor://a", "-", "anchor://c"}));
  const auto unterminated = exactly("anchor://a" + std::string(54, 'x') + padded("anchor://c"));
  cr_assert(walk(FI_ADDR_STR, unterminated.get(), 2) == (Texts{"-", "anchor://c"}));
}

Test(address_list, a_bad_first_name_is_not_followed_as_a_pointer) {
  const auto bytes = exactly(padded("") + padded("anchor://b"));
  cr_assert(walk(FI_ADDR_STR, bytes.get(), 9) == Texts(9, "-"));
}

Test(address_list, nothing) {
  cr_assert(walk(FI_ADDR_STR, nullptr, 0).empty());
  cr_assert(walk(FI_ADDR_STR, reinterpret_cast<const void*>(8), 0).empty(), "nothing there may be read");
  cr_assert(walk(FI_ADDR_STR, nullptr, 2) == Texts(2, "-"));
}

Test(address_list, socket_addresses) {
  sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_port = htons(1);
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(2);
  std::string bytes(reinterpret_cast<const char*>(&four), sizeof(four));
  bytes.append(reinterpret_cast<const char*>(&six), sizeof(six));
  bytes.append(reinterpret_cast<const char*>(&four), sizeof(four));
  const auto mixed = exactly(bytes);
  const Texts expected{"anchor://127.0.0.1:1", "anchor://[::1]:2", "anchor://127.0.0.1:1"};
  cr_assert(walk(FI_SOCKADDR, mixed.get(), 3) == expected);

  std::array<sockaddr_in, 3> fours{four, four, four};
  fours[1].sin_family = AF_UNIX;
  const Texts around{"anchor://127.0.0.1:1", "-", "anchor://127.0.0.1:1"};
  cr_assert(walk(FI_SOCKADDR_IN, fours.data(), 3) == around);
}

Test(address_list, sequences) {
  const auto behind = [](const char* text, std::size_t offset) -> std::string {
    char result[32];
    return advance_text(text, offset, result, sizeof(result)) ? result : "none";
  };
  cr_assert(behind("10.1.1.255", 1) == "10.1.2.0");
  cr_assert(behind("host9", 2) == "host11");
  cr_assert(behind("host09", 1) == "host10");
  cr_assert(behind("5000", 3) == "5003");
  cr_assert(behind("host", 0) == "host");
  cr_assert(behind("host", 1) == "none");
  cr_assert(behind("", 1) == "none");
  cr_assert(behind("99999999999999999999999", 1) == "none");
  cr_assert(behind(std::string(40, 'x').c_str(), 0) == "none");
}
