// SPDX-License-Identifier: BSD-2-Clause
#include "abi/wait_object.h"

#include <poll.h>
#include <rdma/fi_errno.h>

#include <cstdio>
#include <cstdlib>

#include "os/log.h"

namespace anchor {

namespace {

// fi_cq(3): as many as there are, if there is room for them.
int fill(fi_wait_pollfd* wanted, int descriptor) noexcept {
  const bool room = wanted->nfds >= 1 && wanted->fd != nullptr;
  wanted->nfds = 1;
  if (!room) return -FI_ETOOSMALL;
  wanted->change_index = 1;  // it never changes
  wanted->fd[0] = {descriptor, POLLIN, 0};
  return 0;
}

int show(fi_mutex_cond* wanted, int descriptor, WaitCondition& condition) noexcept {
  if (const int error = condition.start(descriptor); error != 0) {
    ANCHOR_WARN(kCore, "no thread to signal a condition: %s", fi_strerror(-error));
    return error;
  }
  *wanted = {condition.mutex(), condition.condition()};
  return 0;
}

}  // namespace

int check_wait_object(fi_wait_obj object) noexcept {
  switch (object) {
    case FI_WAIT_NONE:
    case FI_WAIT_UNSPEC:
    case FI_WAIT_YIELD:
    case FI_WAIT_FD:
    case FI_WAIT_POLLFD:
    case FI_WAIT_MUTEX_COND:
      return 0;
    default:
      ANCHOR_INFO(kCore, "wait object %d is not served", static_cast<int>(object));
      return -FI_ENOSYS;
  }
}

int wait_object_control(fi_wait_obj object, int descriptor, WaitCondition& condition, int command,
                        void* argument) noexcept {
  switch (command) {
    case FI_GETWAITOBJ:
      *static_cast<fi_wait_obj*>(argument) = object;
      return 0;
    case FI_GETWAIT:
      if (object == FI_WAIT_MUTEX_COND) return show(static_cast<fi_mutex_cond*>(argument), descriptor, condition);
      if (!shows_descriptor(object)) return -FI_ENODATA;  // nothing that could be waited for elsewhere
      if (object == FI_WAIT_POLLFD) return fill(static_cast<fi_wait_pollfd*>(argument), descriptor);
      *static_cast<int*>(argument) = descriptor;
      return 0;
    default:
      return -FI_ENOSYS;
  }
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
