// SPDX-License-Identifier: BSD-2-Clause
// A forked process that a test runs a part of itself in.
//
// The two sides meet by bytes through a socket, never by time. A side that waits longer than any test takes gives up.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <utility>

namespace anchor::unit {

// One end of the socket between a test and its child.
class Meeting {
 public:
  explicit Meeting(int fd) noexcept : fd_(fd) {}
  Meeting(Meeting&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Meeting() {
    if (fd_ >= 0) ::close(fd_);
  }

  void tell() const { (void)!::send(fd_, "!", 1, MSG_NOSIGNAL); }

  // false: the other side ended, or kept us waiting too long.
  bool await() const {
    constexpr int kTooLong = 60'000;
    pollfd wanted{fd_, POLLIN, 0};
    char byte = 0;
    return ::poll(&wanted, 1, kTooLong) == 1 && ::read(fd_, &byte, 1) == 1;
  }

 private:
  int fd_;
};

// Runs body(meeting) -> exit code in a child. Killed, if it still runs, at the end of the test.
class Child {
 public:
  template <class Body>
  explicit Child(Body body) : Child(make_pair(), body) {}
  Child(Child&& other) noexcept : meeting_(std::move(other.meeting_)), pid_(std::exchange(other.pid_, -1)) {}
  ~Child() {
    if (pid_ > 0) kill();
  }

  pid_t pid() const noexcept { return pid_; }
  void tell() const { meeting_.tell(); }
  bool await() const { return meeting_.await(); }

  // The exit code, or minus the signal that ended it.
  int join() {
    int status = 0;
    if (::waitpid(std::exchange(pid_, -1), &status, 0) < 0) return -1000;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  int kill() {
    ::kill(pid_, SIGKILL);
    return join();
  }

 private:
  struct Pair {
    int ours, theirs;
  };
  static Pair make_pair() {
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
    return {ends[0], ends[1]};
  }

  template <class Body>
  Child(Pair pair, Body body) : meeting_(pair.ours), pid_(::fork()) {
    if (pid_ == 0) {
      ::close(pair.ours);
      ::_exit(body(Meeting(pair.theirs)));
    }
    ::close(pair.theirs);
  }

  Meeting meeting_;
  pid_t pid_;
};

// Sleeps until killed.
[[noreturn]] inline void sleep_for_ever() {
  while (true) ::pause();
}

// The number of open descriptors of this process, the one for counting included.
inline std::size_t open_descriptors() {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

}  // namespace anchor::unit
