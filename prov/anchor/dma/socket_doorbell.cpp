// SPDX-License-Identifier: BSD-2-Clause
#include "dma/socket_doorbell.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>

#include "dma/doorbell_message.h"
#include "os/log.h"

namespace anchor {

SocketDoorbell::~SocketDoorbell() {
  if (socket_) ::unlink(path_of(host_).c_str());
}

int SocketDoorbell::open(const std::string& folder, std::uint32_t host) {
  folder_ = folder;
  host_ = host;
  const std::string path = path_of(host);
  const auto refuse = [&path](int error) {
    ANCHOR_WARN(kDomain, "no doorbell at %s: %s", path.c_str(), std::strerror(-error));
    return error;
  };
  sockaddr_un address;
  if (!doorbell_address(path, &address)) return refuse(-ENAMETOOLONG);
  UniqueFd made(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!made) return refuse(-errno);
  ::unlink(path.c_str());  // of one that was killed
  if (::bind(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0)
    return refuse(-errno);
  socket_ = std::move(made);
  return 0;
}

// What does not fit in here is lost at the sender's side, beside more than enough rings.
void SocketDoorbell::take_rings() noexcept {
  char byte;
  while (::recv(socket_.get(), &byte, sizeof byte, 0) >= 0) continue;
}

int SocketDoorbell::ring(std::uint32_t word) noexcept try {
  sockaddr_un address;
  if (!doorbell_address(path_of(word), &address)) return -ENAMETOOLONG;
  const char byte = 0;
  const ssize_t sent = ::sendto(socket_.get(), &byte, sizeof byte, MSG_DONTWAIT | MSG_NOSIGNAL,
                                reinterpret_cast<const sockaddr*>(&address), sizeof address);
  return sent >= 0 || errno == EAGAIN ? 0 : -errno;  // a full one will be read
} catch (const std::bad_alloc&) {
  return -ENOMEM;
}

}  // namespace anchor
