// SPDX-License-Identifier: BSD-2-Clause
#include "dma/window_doorbell.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "dma/doorbell_message.h"
#include "os/log.h"

namespace anchor {
namespace {

constexpr Milliseconds kBetweenAttempts{1000};

int make_event() noexcept { return ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }
int make_socket() noexcept { return ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }

// Anything else might be readable for ever.
bool is_event(int fd) noexcept {
  char name[32], target[32] = {};
  std::snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  if (::readlink(name, target, sizeof target - 1) < 0) return false;
  return std::strcmp(target, "anon_inode:[eventfd]") == 0 && (::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0;
}

void drain(int event) noexcept {
  eventfd_t count;
  static_cast<void>(::eventfd_read(event, &count));
}

}  // namespace

int WindowDoorbell::open(bool wanted) {
  if (!wanted) return 0;
  path_ = doorbell_path(window_.home());
  return nudge_.open_by(make_event);
}

// Who cannot ring says so before anybody waits for its rings. The keeper may see at once that we have joined: what it
// says then comes after this, as it takes the lock before (greet()).
void WindowDoorbell::join() noexcept {
  const std::lock_guard guard(lock_);
  if (joined_.load(std::memory_order_relaxed)) return;
  window_.home().users().set_mute(true);
  window_.speak_to_all();
  joined_.store(true, std::memory_order_relaxed);
  nudge();
}

void WindowDoorbell::tend() noexcept {
  if (!is_open() || !joined_.load(std::memory_order_relaxed)) return;
  if (!socket_ && Clock::now() >= next_attempt_) connect();
  if (socket_) listen();
}

void WindowDoorbell::connect() noexcept {
  next_attempt_ = Clock::now() + kBetweenAttempts;
  sockaddr_un address;
  if (!doorbell_address(path_, &address)) return warn("the path is too long for a socket: shorten FI_ANCHOR_SHM_DIR");
  const std::lock_guard guard(lock_);
  if (socket_.open_by(make_socket) != 0) return;  // none left at the moment
  if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int error = errno;
    socket_.reset();
    if (error != EAGAIN && error != EINTR) warn(std::strerror(error));
  } else if (!is_of_our_user(socket_.get())) {
    socket_.reset();
    warn("another user serves it");
  }
}

void WindowDoorbell::warn(const char* why) noexcept {
  if (told_) return;
  told_ = true;
  ANCHOR_WARN(kDomain,
              "nobody serves the doorbell at %s (%s): sleepers look for messages by themselves until somebody does; "
              "start anchor_window serve as this user, with the same configuration and FI_ANCHOR_SHM_DIR",
              path_.c_str(), why);
}

void WindowDoorbell::listen() noexcept {
  const int error = greet(socket_.get());
  if (error == -EAGAIN) return;
  if (error != 0) return part(error == -ECONNRESET ? "it has ended" : std::strerror(-error));
  told_ = false;
  window_.home().users().set_mute(false);
  window_.speak_to_all();
  ANCHOR_INFO(kDomain, "the doorbell is served at %s", path_.c_str());
}

// One welcome, and nothing after it.
int WindowDoorbell::greet(int socket) noexcept {
  DoorbellMessage message;
  UniqueFd fds[kMostDoorbellFds];
  std::size_t count = 0;
  if (const int error = receive_doorbell_message(socket, &message, fds, &count)) return error;
  if (welcome_ || message.saying != DoorbellSaying::kWelcome || !is_event(fds[0].get())) return -EPROTO;
  const std::lock_guard guard(lock_);
  if (const int error = event_.adopt(fds[0].release())) return error;
  // Without one, that of a former server is of no use, but is kept to keep the device open.
  rings_by_device_ = static_cast<bool>(fds[1]);
  if (rings_by_device_)
    if (const int error = device_.adopt(fds[1].release())) return error;
  offset_ = message.offset;
  welcome_ = true;
  return 0;
}

// The device stays open, if we have it: see vfio_doorbell.h.
void WindowDoorbell::part(const char* why) noexcept {
  const bool was_welcome = welcome_;
  {
    const std::lock_guard guard(lock_);
    welcome_ = false;
    socket_.reset();
    event_.reset();
  }
  next_attempt_ = Clock::now() + kBetweenAttempts;
  warn(why);
  if (!was_welcome) return;
  window_.home().users().set_mute(true);
  window_.speak_to_all();
}

void WindowDoorbell::pause(std::chrono::microseconds time) noexcept {
  pollfd sources[] = {{nudge_.get(), POLLIN, 0}, {event_.get(), POLLIN, 0}, {socket_.get(), POLLIN, 0}};
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  const timespec limit{seconds.count(), std::chrono::nanoseconds(time - seconds).count()};
  if (::ppoll(sources, std::size(sources), &limit, nullptr) <= 0) return;
  if (sources[0].revents != 0) drain(nudge_.get());
  if (sources[1].revents != 0) drain(event_.get());
}

void WindowDoorbell::nudge() noexcept {
  if (is_open()) static_cast<void>(::eventfd_write(nudge_.get(), 1));
}

int WindowDoorbell::ring(std::uint32_t host) noexcept {
  if (!is_open()) return -EOPNOTSUPP;
  const std::uint64_t told = window_.doorbell_of(host);
  if (!DoorbellWord::is_there(told)) return -EOPNOTSUPP;
  const std::uint32_t word = DoorbellWord::ring(told);
  const std::lock_guard guard(lock_);
  if (!welcome_) return -EOPNOTSUPP;
  if (!rings_by_device_) return send_doorbell_message(socket_.get(), {.saying = DoorbellSaying::kRing, .word = word});
  const ssize_t written = ::pwrite(device_.get(), &word, sizeof word, static_cast<off_t>(offset_));
  if (written < 0) return -errno;
  return written == sizeof word ? 0 : -EIO;
}

}  // namespace anchor
