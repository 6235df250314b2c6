// SPDX-License-Identifier: BSD-2-Clause
// Walks what fi_av_insert(3) is given: several addresses, one behind the other.
//
// FI_ADDR_STR comes in three shapes: names of kNameSize bytes, as fi_getname(3) gives them; strings packed behind each
// other's NUL; and the manual's array of pointers to strings, known by not beginning like a name. IP addresses
// are sockaddr_in or sockaddr_in6, each as long as its family says.
#pragma once

#include <cstddef>
#include <cstdint>

#include "abi/names.h"

namespace anchor {

class AddressList {
 public:
  AddressList(std::uint32_t format, const void* addresses, std::size_t count) noexcept;

  // The next address; to be called at most `count` times. -EINVAL: it is none. In a packed list nothing behind a bad
  // string can be found, so all that follow are bad as well.
  int next(Address* address) noexcept;

 private:
  int next_string(Address* address) noexcept;
  int next_pointer(Address* address) noexcept;
  int next_socket(Address* address) noexcept;

  const std::uint32_t format_;
  const bool pointers_;
  const char* position_;
  std::size_t left_;
};

// Sequences for fi_av_insertsym(3): the text `offset` steps behind `text`, which is an IP address or ends in a number
// whose width is kept ("host09" is followed by "host10"). False when there is none.
bool advance_text(const char* text, std::size_t offset, char* result, std::size_t size) noexcept;

}  // namespace anchor
