// SPDX-License-Identifier: BSD-2-Clause
// What a host's doorbell server (doorbell_server.h) and the processes that it serves (window_doorbell.h) say to each
// other, over a connection that keeps messages apart. Both belong to one user; what comes is checked all the same.
//
// Thread-safe, stateless.
#pragma once

#include <sys/un.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "os/unique_fd.h"

namespace anchor {

enum class DoorbellSaying : std::uint32_t {
  kWelcome = 1,  // server to process: an eventfd that is counted up whenever the host is rung; perhaps the device, too
  kRing = 2,     // process to server: rings the host whose word this is
};

struct DoorbellMessage {
  static constexpr std::uint64_t kMagic = 0x314c4c4542484341ull;  // "ACHBELL1" in memory order

  std::uint64_t magic = kMagic;
  DoorbellSaying saying = DoorbellSaying::kWelcome;
  std::uint32_t word = 0;    // of kRing
  std::uint64_t offset = 0;  // of kWelcome with the device: where in it words are written
};
static_assert(sizeof(DoorbellMessage) == 24);

inline constexpr std::size_t kMostDoorbellFds = 2;

// Never waits. The descriptors stay the caller's. -EAGAIN: no room at the moment; other negated errno values: it is
// gone, or may be taken for that.
int send_doorbell_message(int socket, const DoorbellMessage& message, const int* fds = nullptr,
                          std::size_t count = 0) noexcept;

// Never waits. `fds`: those that came with it, `count` of them. -EAGAIN: there is none; -ECONNRESET: the other side has
// gone; -EPROTO: it is nothing that may be said.
int receive_doorbell_message(int socket, DoorbellMessage* message, UniqueFd (&fds)[kMostDoorbellFds],
                             std::size_t* count) noexcept;

// False: the path is too long for a socket.
bool doorbell_address(const std::string& path, sockaddr_un* address) noexcept;

// A socket of our user's alone at that path, in the place of what a former one has left there. Negated errno value.
int bind_doorbell(const std::string& path, int type, UniqueFd* socket) noexcept;

// Whether the other side of a connection is of our own user.
bool is_of_our_user(int socket) noexcept;

}  // namespace anchor
