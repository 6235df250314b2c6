// SPDX-License-Identifier: BSD-2-Clause
// Cross-memory attach: copying between this process and another by system call (process_vm_readv(2)).
//
// Thread-safe, stateless. Lengths are bytes. Both may move less than asked, as read(2) may.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

namespace anchor {

// Copies from `remote` of process `pid` into `local`. Returns bytes moved, -EPERM where the kernel refuses (yama,
// another user, container), -ESRCH when no such process is visible, -EFAULT on an address that is not mapped.
ssize_t read_process_memory(pid_t pid, const iovec* local, std::size_t local_count, const iovec* remote,
                            std::size_t remote_count) noexcept;
ssize_t write_process_memory(pid_t pid, const iovec* local, std::size_t local_count, const iovec* remote,
                             std::size_t remote_count) noexcept;

// Whether this is our own number, or that of a thread of ours, which the kernel takes for a process's as well.
bool is_own_process(std::int64_t id) noexcept;

}  // namespace anchor
