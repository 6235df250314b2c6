// SPDX-License-Identifier: BSD-2-Clause
#include "os/shared_memory.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace anchor {
namespace {

struct DescriptorPath {
  char text[32];
  explicit DescriptorPath(int fd) noexcept { std::snprintf(text, sizeof text, "/proc/self/fd/%d", fd); }
};

bool beyond_file_size_limit(std::uint64_t end) noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0) return false;
  return limit.rlim_cur != RLIM_INFINITY && end > limit.rlim_cur;
}

}  // namespace

bool leads_to(const char* path, const FileIdentity& file) noexcept {
  struct stat status {};
  return ::lstat(path, &status) == 0 && identity_of(status) == file;
}

int reserve_file(int fd, std::uint64_t offset, std::uint64_t bytes) noexcept {
  const std::uint64_t end = offset + bytes;
  if (end < offset || end > INT64_MAX || beyond_file_size_limit(end)) return -EFBIG;
  int error;
  // A signal undoes a half-done reservation; the signal itself is gone by the time of the next call.
  do {
    error = ::posix_fallocate(fd, static_cast<off_t>(offset), static_cast<off_t>(bytes));
  } while (error == EINTR);
  return -error;
}

std::uint64_t free_space(int fd) noexcept {
  struct statvfs status {};
  return ::fstatvfs(fd, &status) == 0 ? std::uint64_t{status.f_bavail} * status.f_frsize : 0;
}

bool can_link_descriptor(int fd) noexcept { return ::access(DescriptorPath(fd).text, F_OK) == 0; }

int link_descriptor(int fd, const char* path) noexcept {
  const int result = ::linkat(AT_FDCWD, DescriptorPath(fd).text, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
  return result == 0 ? 0 : -errno;
}

}  // namespace anchor
