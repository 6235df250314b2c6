// SPDX-License-Identifier: BSD-2-Clause
#include "dma/shm_wait_pipe.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "os/log.h"
#include "os/pipe_write.h"

namespace anchor {
namespace {

constexpr char kMark = '+';
constexpr mode_t kOwnerOnly = 0600;
constexpr mode_t kForOthers = 0077;
constexpr int kOpenFlags = O_NONBLOCK | O_NOFOLLOW | O_NOCTTY;

}  // namespace

std::string wait_pipe_path(std::string_view region_path, const FileIdentity& region) {
  return std::string(region_path) + kMark + std::to_string(region.inode);
}

int make_wait_pipe(const char* path, ProcessFd* pipe) noexcept {
  if (::mkfifo(path, kOwnerOnly) != 0) {
    if (errno != EEXIST || ::unlink(path) != 0 || ::mkfifo(path, kOwnerOnly) != 0) return -errno;
  }
  if (const int error = pipe->open(path, O_RDWR | kOpenFlags); error != 0) {
    ::unlink(path);
    return error;
  }
  return ::fchmod(pipe->get(), kOwnerOnly) == 0 ? 0 : -errno;  // whatever the umask took away
}

int open_wait_pipe(const char* path, ProcessFd* pipe) noexcept {
  if (const int error = pipe->open(path, O_WRONLY | kOpenFlags); error != 0) return error;
  struct stat status {};
  int error = ::fstat(pipe->get(), &status) == 0 ? 0 : -errno;
  if (error == 0 && (!S_ISFIFO(status.st_mode) || status.st_uid != ::geteuid() || (status.st_mode & kForOthers) != 0)) {
    ANCHOR_INFO(kEndpoint, "%s belongs to user %u and has mode %o: no pipe to wake a peer through", path, status.st_uid,
                status.st_mode);
    error = -EACCES;
  }
  if (error != 0) pipe->reset();
  return error;
}

int ring_wait_pipe(int pipe) noexcept {
  const int error = write_byte(pipe);
  return error == -EAGAIN ? 0 : error;
}

void drain_wait_pipe(int pipe) noexcept {
  // As much as a pipe holds, once: whoever writes faster than we read does not keep us. What is left wakes us again.
  constexpr int kMostReads = 16;
  char bytes[4096];
  for (int i = 0; i < kMostReads && ::read(pipe, bytes, sizeof bytes) == static_cast<ssize_t>(sizeof bytes);) ++i;
}

std::string_view owner_of_wait_pipe(std::string_view path, std::string_view* number) noexcept {
  const std::size_t mark = path.rfind(kMark);
  if (mark == path.npos) return {};
  *number = path.substr(mark + 1);
  return path.substr(0, mark);
}

}  // namespace anchor
