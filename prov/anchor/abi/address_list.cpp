// SPDX-License-Identifier: BSD-2-Clause
#include "abi/address_list.h"

#include <arpa/inet.h>
#include <rdma/fabric.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "abi/ip_names.h"
#include "abi/names.h"

namespace anchor {
namespace {

// No pointer can look like the beginning of a name: as an address it would not be canonical.
bool begins_like_a_name(const void* addresses) noexcept {
  static_assert(kNamePrefix.size() >= sizeof(char*));
  return addresses != nullptr && std::memcmp(addresses, kNamePrefix.data(), sizeof(char*)) == 0;
}

// An array of names whose first one is bad is taken for pointers: text and zeros must not be followed.
bool is_user_pointer(const char* pointer) noexcept {
  constexpr std::uintptr_t kFirstPage = 4096, kEnd = std::uintptr_t{1} << 52;
  const auto value = reinterpret_cast<std::uintptr_t>(pointer);
  return value >= kFirstPage && value < kEnd;
}

bool advance_ip(const char* text, std::size_t offset, char* result, std::size_t size) noexcept {
  in_addr address;
  if (::inet_pton(AF_INET, text, &address) != 1) return false;
  address.s_addr = htonl(ntohl(address.s_addr) + static_cast<std::uint32_t>(offset));
  return ::inet_ntop(AF_INET, &address, result, static_cast<socklen_t>(size)) != nullptr;
}

}  // namespace

AddressList::AddressList(std::uint32_t format, const void* addresses, std::size_t count) noexcept
    : format_(format),
      pointers_(format == FI_ADDR_STR && count != 0 && !begins_like_a_name(addresses)),
      position_(static_cast<const char*>(addresses)),
      left_(count) {}

int AddressList::next(Address* address) noexcept {
  if (position_ == nullptr) return -EINVAL;
  --left_;
  if (format_ != FI_ADDR_STR) return next_socket(address);
  return pointers_ ? next_pointer(address) : next_string(address);
}

int AddressList::next_string(Address* address) noexcept {
  const char* text = position_;
  const std::size_t length = strnlen(text, kNameSize);
  // What follows tells padding from packing; behind the last one nothing may be touched.
  const bool padded = length == kNameSize || (left_ != 0 && length + 1 < kNameSize && text[length + 1] == '\0');
  position_ += padded ? kNameSize : length + 1;
  const int status = copy_address(format_, text, length, address);
  if (status != 0 && !padded) position_ = nullptr;
  return status;
}

int AddressList::next_pointer(Address* address) noexcept {
  const char* text;
  std::memcpy(&text, position_, sizeof(text));
  position_ += sizeof(text);
  return is_user_pointer(text) ? copy_address(format_, text, kNameSize, address) : -EINVAL;
}

// An address of another family has the length of the format's own: that is what an array of these would have.
int AddressList::next_socket(Address* address) noexcept {
  sockaddr header;
  std::memcpy(&header, position_, sizeof(header));
  const bool six = format_ == FI_SOCKADDR ? header.sa_family == AF_INET6 : format_ == FI_SOCKADDR_IN6;
  const std::size_t size = six ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  const int status = copy_address(format_, position_, size, address);
  position_ += size;
  return status;
}

bool advance_text(const char* text, std::size_t offset, char* result, std::size_t size) noexcept {
  const std::string_view all = text;
  if (offset == 0) return static_cast<std::size_t>(std::snprintf(result, size, "%s", text)) < size;
  if (advance_ip(text, offset, result, size)) return true;
  const std::size_t last = all.find_last_not_of("0123456789");
  const std::size_t stem = last == all.npos ? 0 : last + 1;
  const std::string_view digits = all.substr(stem);
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (digits.empty() || parsed.ec != std::errc{}) return false;
  const int written = std::snprintf(result, size, "%.*s%0*llu", static_cast<int>(stem), all.data(),
                                    static_cast<int>(digits.size()), static_cast<unsigned long long>(number + offset));
  return written > 0 && static_cast<std::size_t>(written) < size;
}

}  // namespace anchor
