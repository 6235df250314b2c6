// SPDX-License-Identifier: BSD-2-Clause
#include "os/hangup_watch.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>

namespace anchor {

int open_hangup_watch(ProcessFd* watch) noexcept {
  return watch->open_by([]() noexcept { return ::epoll_create1(EPOLL_CLOEXEC); });
}

// A writing end reports its pipe's lack of readers (EPOLLERR) whatever is asked for. Edge-triggered: a process that
// holds the same open file for a moment, between vfork(2) and exec(3), cannot keep the watch readable.
int watch_hangup(int watch, int pipe, std::uint64_t key) noexcept {
  epoll_event event{};
  event.events = EPOLLET;
  event.data.u64 = key;
  return ::epoll_ctl(watch, EPOLL_CTL_ADD, pipe, &event) == 0 ? 0 : -errno;
}

std::size_t take_hangups(int watch, std::uint64_t* keys, std::size_t room) noexcept {
  epoll_event events[kHangupsAtOnce];
  const int count = ::epoll_wait(watch, events, static_cast<int>(std::min(room, kHangupsAtOnce)), 0);
  for (int i = 0; i < count; ++i) keys[i] = events[i].data.u64;
  return static_cast<std::size_t>(std::max(count, 0));
}

}  // namespace anchor
