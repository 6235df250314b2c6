// SPDX-License-Identifier: BSD-2-Clause
#include "abi/wait_object.h"

#include <rdma/fi_errno.h>

#include <cstdio>
#include <cstdlib>

#include "os/log.h"

namespace anchor {

int check_wait_object(fi_wait_obj object) noexcept {
  if (object == FI_WAIT_NONE || object == FI_WAIT_UNSPEC || object == FI_WAIT_YIELD) return 0;
  ANCHOR_INFO(kCore, "wait object %d is not served", static_cast<int>(object));
  return -FI_ENOSYS;
}

int wait_object_control(fi_wait_obj object, int command, void* argument) noexcept {
  if (command == FI_GETWAIT) return -FI_ENODATA;  // there is no object beneath that could be waited for
  if (command != FI_GETWAITOBJ) return -FI_ENOSYS;
  *static_cast<fi_wait_obj*>(argument) = object;
  return 0;
}

namespace {

// What a remote operation may end with says more here than in errno's words.
const char* meaning_of(int error) noexcept {
  switch (error) {
    case EKEYREJECTED:
      return "no memory region of the peer has this key (any more)";
    case EACCES:
      return "the peer's memory region does not allow this access";
    case ERANGE:
      return "beyond the end of the peer's memory region";
    case EFAULT:
      return "memory of this side or of the peer is not mapped";
    default:
      return fi_strerror(error);
  }
}

}  // namespace

const char* provider_error_text(int error, char* text, std::size_t size) noexcept {
  const char* meaning = meaning_of(std::abs(error));
  if (text == nullptr || size == 0) return meaning;
  std::snprintf(text, size, "%s", meaning);
  return text;
}

}  // namespace anchor
