// SPDX-License-Identifier: BSD-2-Clause
// Locks on single bytes of a file, held by an open file description (fcntl(2), F_OFD_SETLK).
//
// The kernel drops such a lock when the last descriptor of that open() is closed, be it by the death of its process.
// Unlike the older record locks it is not lost when the process closes another descriptor of the same file, and a
// second open() of the same process sees it as held. The bytes need not exist. Thread-safe, stateless.
#pragma once

#include <cstdint>

#include "os/shared_memory.h"

namespace anchor {

// Takes the byte for `fd` (open for writing) without waiting. 0; -EAGAIN: another open file has it.
int try_lock_byte(int fd, std::uint64_t byte) noexcept;

// Gives the byte back. Closing the last descriptor of the open file does so too.
int unlock_byte(int fd, std::uint64_t byte) noexcept;

// 1: another open file holds the byte; 0: nobody but `fd` itself does; a negated errno value if that cannot be said.
int byte_locked(int fd, std::uint64_t byte) noexcept;

// Whether this process has locks of the older kind on the file (F_SETLK), or may have: that cannot be found out.
bool holds_record_locks(const FileIdentity& file) noexcept;

}  // namespace anchor
