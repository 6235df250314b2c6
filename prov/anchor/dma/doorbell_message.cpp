// SPDX-License-Identifier: BSD-2-Clause
#include "dma/doorbell_message.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace anchor {
namespace {

struct alignas(cmsghdr) Passed {
  char bytes[CMSG_SPACE(kMostDoorbellFds * sizeof(int))];
};

// Owns whatever came, before anything is judged.
std::size_t take_fds(msghdr* header, UniqueFd (&fds)[kMostDoorbellFds]) noexcept {
  std::size_t count = 0;
  for (cmsghdr* part = CMSG_FIRSTHDR(header); part != nullptr; part = CMSG_NXTHDR(header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t passed = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < passed; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      UniqueFd owned(fd);
      if (count < kMostDoorbellFds) fds[count++] = std::move(owned);
    }
  }
  return count;
}

bool is_sound(const DoorbellMessage& message, std::size_t fds) noexcept {
  if (message.magic != DoorbellMessage::kMagic) return false;
  if (message.saying == DoorbellSaying::kRing) return fds == 0;
  return message.saying == DoorbellSaying::kWelcome && fds >= 1 && message.offset % sizeof(std::uint32_t) == 0 &&
         message.offset <= INT64_MAX;
}

}  // namespace

int send_doorbell_message(int socket, const DoorbellMessage& message, const int* fds, std::size_t count) noexcept {
  DoorbellMessage copy = message;
  iovec part{&copy, sizeof copy};
  Passed passed{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (count > kMostDoorbellFds) return -EINVAL;
  if (count != 0) {
    header.msg_control = passed.bytes;
    header.msg_controllen = CMSG_SPACE(count * sizeof(int));
    cmsghdr* control = CMSG_FIRSTHDR(&header);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(count * sizeof(int));
    std::memcpy(CMSG_DATA(control), fds, count * sizeof(int));
  }
  ssize_t sent;
  do {
    sent = ::sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(sizeof copy) ? 0 : -errno;
}

int receive_doorbell_message(int socket, DoorbellMessage* message, UniqueFd (&fds)[kMostDoorbellFds],
                             std::size_t* count) noexcept {
  DoorbellMessage copy;
  iovec part{&copy, sizeof copy};
  Passed passed{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = passed.bytes;
  header.msg_controllen = sizeof passed.bytes;
  ssize_t size;
  do {
    size = ::recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  if (size < 0) return errno == EWOULDBLOCK ? -EAGAIN : -errno;
  const std::size_t came = take_fds(&header, fds);
  if (size == 0 && came == 0) return -ECONNRESET;
  const bool whole = size == static_cast<ssize_t>(sizeof copy) && (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
  if (!whole || !is_sound(copy, came)) return -EPROTO;
  *message = copy;
  *count = came;
  return 0;
}

bool doorbell_address(const std::string& path, sockaddr_un* address) noexcept {
  *address = {};
  address->sun_family = AF_UNIX;
  if (path.size() >= sizeof address->sun_path) return false;
  std::memcpy(address->sun_path, path.c_str(), path.size() + 1);
  return true;
}

int bind_doorbell(const std::string& path, int type, UniqueFd* socket) noexcept {
  sockaddr_un address;
  if (!doorbell_address(path, &address)) return -ENAMETOOLONG;
  UniqueFd made(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!made) return -errno;
  ::unlink(path.c_str());  // of one that was killed
  if (::bind(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0)
    return -errno;
  *socket = std::move(made);
  return 0;
}

bool is_of_our_user(int socket) noexcept {
  ucred other{};
  socklen_t size = sizeof other;
  return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &other, &size) == 0 && other.uid == ::geteuid();
}

}  // namespace anchor
