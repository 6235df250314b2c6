// SPDX-License-Identifier: BSD-2-Clause
#include "os/file_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace anchor {
namespace {

constexpr std::uint32_t kEvents =
    IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF | IN_DONT_FOLLOW;

}  // namespace

int open_file_watch(ProcessFd* watch) noexcept {
  return watch->open_by([]() noexcept { return ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC); });
}

int watch_file(int watch, const char* path) noexcept {
  return ::inotify_add_watch(watch, path, kEvents) < 0 ? -errno : 0;
}

bool drain_file_watch(int watch) noexcept {
  alignas(inotify_event) char events[4096];
  bool any = false;
  while (::read(watch, events, sizeof(events)) > 0) any = true;
  return any;
}

}  // namespace anchor
