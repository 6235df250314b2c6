// SPDX-License-Identifier: BSD-2-Clause
// Addresses as applications give them: of every format, in lists of every shape, as text with numbers to count up, and
// what is printed of them.
#include <rdma/fabric.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "abi/address_list.h"
#include "abi/names.h"
#include "target.h"

namespace {

using namespace anchor;

constexpr std::uint32_t kFormats[] = {FI_ADDR_STR, FI_SOCKADDR, FI_SOCKADDR_IN, FI_SOCKADDR_IN6};

void check(bool holds) {
  if (!holds) std::abort();
}

void check_address(std::uint32_t format, const Address& address) {
  EndpointName name;
  if (peer_name(format, address.bytes.data(), address.size, &name) == 0) check(name.valid());
  char text[16];
  check(print_address(format, address.bytes.data(), text, sizeof text) > 0);
  check(strnlen(text, sizeof text) < sizeof text);
}

// A list must be as long as its format's addresses, so it stands in a buffer with that much behind the input. Pointers
// are the caller's own, so a list that reads as pointers is none of the fuzzer's.
void walk_list(std::uint32_t format, const std::uint8_t* input, std::size_t size) {
  constexpr std::size_t kCount = 4;
  std::vector<char> bytes(kCount * kNameSize + 1);
  std::memcpy(bytes.data(), input, std::min(size, bytes.size() - 1));
  if (format == FI_ADDR_STR) std::memcpy(bytes.data(), kNamePrefix.data(), kNamePrefix.size());
  AddressList list(format, bytes.data(), kCount);
  for (std::size_t i = 0; i < kCount; ++i)
    if (Address address; list.next(&address) == 0) check_address(format, address);
}

void count_up(const std::uint8_t* input, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(input), size);
  char result[32];
  if (advance_text(text.c_str(), size * 977, result, sizeof result))
    check(strnlen(result, sizeof result) < sizeof result);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  if (size == 0) return 0;
  const std::uint32_t format = kFormats[input[0] % 4];
  ++input, --size;
  if (Address address; copy_address(format, input, size, &address) == 0) check_address(format, address);
  walk_list(format, input, size);
  count_up(input, size);
  // Only what needs no resolver: a name server's answer is nobody's test.
  const std::string node(reinterpret_cast<const char*>(input), std::min<std::size_t>(size, 80));
  if (Address address; resolve(format, {.node = node.c_str(), .service = nullptr, .numeric_host = true}, &address) == 0)
    check_address(format, address);
  return 0;
}
