// SPDX-License-Identifier: BSD-2-Clause
#include "dma/socket_doorbell.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>

#include "dma/doorbell_message.h"
#include "os/log.h"

namespace anchor {

SocketDoorbell::~SocketDoorbell() {
  if (socket_) ::unlink(path_.c_str());
}

int SocketDoorbell::open(const std::string& folder, std::uint32_t host) {
  folder_ = folder;
  host_ = host;
  path_ = path_of(host);
  const int error = bind_doorbell(path_, SOCK_DGRAM, &socket_);
  if (error != 0) ANCHOR_WARN(kDomain, "no doorbell at %s: %s", path_.c_str(), std::strerror(-error));
  return error;
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

std::string SocketDoorbell::unreachable(std::uint32_t word, int error) const {
  return path_of(word) + ": " + std::strerror(-error) + "; doorbell = socket:" + folder_ +
         " here must be the same folder there";
}

}  // namespace anchor
