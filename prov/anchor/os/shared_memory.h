// SPDX-License-Identifier: BSD-2-Clause
// Files that hold shared memory: which file a path leads to, reserving its space, giving it a name.
//
// Thread-safe, stateless. Every call returns 0 or a negated errno value and logs nothing: the caller knows what for.
#pragma once

#include <sys/stat.h>

#include <cstdint>

namespace anchor {

// Which file, whatever its name. The number may be used again once the file is gone and nothing maps or opens it.
struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

inline FileIdentity identity_of(const struct stat& status) noexcept { return {status.st_dev, status.st_ino}; }

// Whether `path` itself (a symbolic link is not followed) is this file.
bool leads_to(const char* path, const FileIdentity& file) noexcept;

// Reserves [offset, offset + bytes), extending the file, so that touching the range cannot fail for want of space.
// -ENOSPC: the file system is full. -EFBIG: beyond RLIMIT_FSIZE; found out beforehand, because the kernel would raise
// SIGXFSZ, which ends the process. Never -EINTR.
int reserve_file(int fd, std::uint64_t offset, std::uint64_t bytes) noexcept;

// Bytes that the file system of `fd` still has for us; 0 when unknown.
std::uint64_t free_space(int fd) noexcept;

// Whether link_descriptor can name a nameless file here: it needs /proc.
bool can_link_descriptor(int fd) noexcept;

// Gives a nameless file (O_TMPFILE) a name: it appears at once with all its contents and locks. -EEXIST: name taken.
int link_descriptor(int fd, const char* path) noexcept;

}  // namespace anchor
