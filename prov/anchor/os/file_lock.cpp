// SPDX-License-Identifier: BSD-2-Clause
#include "os/file_lock.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <memory>

namespace anchor {
namespace {

static_assert(sizeof(off_t) == 8, "the lock bytes lie beyond what a 32-bit offset reaches");

// l_pid must be 0 for this kind of lock.
struct flock one_byte(std::uint64_t byte, short type = F_WRLCK) noexcept {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(byte);
  lock.l_len = 1;
  return lock;
}

}  // namespace

int try_lock_byte(int fd, std::uint64_t byte) noexcept {
  struct flock lock = one_byte(byte);
  if (::fcntl(fd, F_OFD_SETLK, &lock) == 0) return 0;
  return errno == EACCES ? -EAGAIN : -errno;  // fcntl(2) permits either value for a lock that is taken
}

int unlock_byte(int fd, std::uint64_t byte) noexcept {
  struct flock lock = one_byte(byte, F_UNLCK);
  return ::fcntl(fd, F_OFD_SETLK, &lock) == 0 ? 0 : -errno;
}

int byte_locked(int fd, std::uint64_t byte) noexcept {
  struct flock lock = one_byte(byte);
  if (::fcntl(fd, F_OFD_GETLK, &lock) != 0) return -errno;
  return lock.l_type != F_UNLCK;
}

// proc_locks(5). Asked of the file itself (F_OFD_GETLK) the answer would need a descriptor, whose closing is the harm.
bool holds_record_locks(const FileIdentity& file) noexcept {
  struct Close {
    void operator()(std::FILE* stream) const noexcept { std::fclose(stream); }
  };
  const std::unique_ptr<std::FILE, Close> locks(std::fopen("/proc/locks", "re"));
  if (!locks) return true;
  char line[256];
  while (std::fgets(line, sizeof line, locks.get()) != nullptr) {
    char kind[16];
    int process;
    unsigned major, minor;
    std::uint64_t inode;
    if (std::sscanf(line, "%*s %15s %*s %*s %d %x:%x:%" SCNu64, kind, &process, &major, &minor, &inode) != 5) continue;
    if (kind[0] == 'P' && process == ::getpid() && file == FileIdentity{makedev(major, minor), inode}) return true;
  }
  return false;
}

}  // namespace anchor
