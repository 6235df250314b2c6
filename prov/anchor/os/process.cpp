// SPDX-License-Identifier: BSD-2-Clause
#include "os/process.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace anchor {
namespace {

// The kernel refuses longer vectors outright; moving less than asked is what the caller is prepared for.
constexpr std::size_t kVectorLimit = IOV_MAX;

using Transfer = ssize_t (*)(pid_t, const iovec*, unsigned long, const iovec*, unsigned long, unsigned long);

ssize_t transfer(Transfer call, pid_t pid, const iovec* local, std::size_t local_count, const iovec* remote,
                 std::size_t remote_count) noexcept {
  const ssize_t moved =
      call(pid, local, std::min(local_count, kVectorLimit), remote, std::min(remote_count, kVectorLimit), 0);
  return moved < 0 ? -errno : moved;
}

}  // namespace

ssize_t read_process_memory(pid_t pid, const iovec* local, std::size_t local_count, const iovec* remote,
                            std::size_t remote_count) noexcept {
  return transfer(process_vm_readv, pid, local, local_count, remote, remote_count);
}

ssize_t write_process_memory(pid_t pid, const iovec* local, std::size_t local_count, const iovec* remote,
                             std::size_t remote_count) noexcept {
  return transfer(process_vm_writev, pid, local, local_count, remote, remote_count);
}

bool is_own_process(std::int64_t id) noexcept {
  if (id <= 0 || id > INT_MAX) return false;
  const int interrupted_errno = errno;
  const bool own = ::syscall(SYS_tgkill, ::getpid(), id, 0) == 0;
  errno = interrupted_errno;
  return own;
}

}  // namespace anchor
