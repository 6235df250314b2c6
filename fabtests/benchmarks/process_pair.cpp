// SPDX-License-Identifier: BSD-2-Clause
#include "process_pair.h"

#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <stdexcept>

namespace anchor::bench {

std::pair<Link, Link> Link::make_pair() {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) throw std::runtime_error("socketpair failed");
  return {Link(fds[0]), Link(fds[1])};
}

void Link::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void Link::put(const void* data, std::size_t size) {
  const char* next = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t sent = send(fd_, next, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) throw std::runtime_error("the other process is gone");
    next += sent;
    size -= static_cast<std::size_t>(sent);
  }
}

void Link::get(void* data, std::size_t size) {
  char* next = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t received = recv(fd_, next, size, 0);
    if (received < 0 && errno == EINTR) continue;
    if (received <= 0) throw std::runtime_error("the other process is gone");
    next += received;
    size -= static_cast<std::size_t>(received);
  }
}

std::uint64_t Link::get_number() {
  std::uint64_t number = 0;
  get(&number, sizeof(number));
  return number;
}

void Link::put_bytes(const std::vector<std::byte>& bytes) {
  put_number(bytes.size());
  put(bytes.data(), bytes.size());
}

std::vector<std::byte> Link::get_bytes() {
  std::vector<std::byte> bytes(get_number());
  get(bytes.data(), bytes.size());
  return bytes;
}

bool Link::readable() const {
  pollfd wanted{.fd = fd_, .events = POLLIN, .revents = 0};
  return poll(&wanted, 1, 0) > 0;
}

bool pin_to_core(int core) { return allow_cores({&core, 1}); }

bool allow_cores(std::span<const int> cores) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int core : cores)
    if (core >= 0) CPU_SET(core, &set);
  return sched_setaffinity(0, sizeof(set), &set) == 0;
}

pid_t fork_child(unsigned seconds, const std::function<int()>& body) {
  std::fflush(stdout);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child > 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
#ifdef PR_SET_PTRACER
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);  // lets siblings use cross-memory attach under Yama
#endif
  alarm(seconds);
  const int status = body();
  std::fflush(stdout);
  _exit(status);
}

}  // namespace anchor::bench
