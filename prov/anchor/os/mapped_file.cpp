// SPDX-License-Identifier: BSD-2-Clause
#include "os/mapped_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>

#include "os/file_lock.h"

namespace anchor {
namespace {

// Opens nothing in earnest: no device's or pipe's opening is noticed by anybody.
constexpr int kLookOnly = O_PATH | O_CLOEXEC;
constexpr int kMostDescriptors = 4096;  // of the other process that are looked at

constexpr decltype(statfs::f_type) kXfs = 0x58465342;  // linux/magic.h does not know it

// Where a page that is touched comes from memory or from a disk of this machine. Not FUSE and network file systems: who
// serves those may keep us waiting for ever. Not hugetlbfs: its pages are not ours to guard.
bool is_local(const struct statfs& status) noexcept {
  switch (status.f_type) {
    case TMPFS_MAGIC:
    case RAMFS_MAGIC:
    case EXT4_SUPER_MAGIC:
    case BTRFS_SUPER_MAGIC:
    case F2FS_SUPER_MAGIC:
    case OVERLAYFS_SUPER_MAGIC:
    case kXfs:
      return true;
    default:
      return false;
  }
}

bool is_file(int fd, const FileIdentity& wanted) noexcept {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && identity_of(status) == wanted;
}

// 0, or -errno; -ENOENT also for another file.
int look(int directory, const char* name, int flags, const FileIdentity& wanted, UniqueFd* file) noexcept {
  UniqueFd found(::openat(directory, name, kLookOnly | flags));
  if (!found) return -errno;
  if (!is_file(found.get(), wanted)) return -ENOENT;
  *file = std::move(found);
  return 0;
}

int look_by_name(const SharedSpan& span, UniqueFd* file) noexcept {
  return span.path[0] == '/' ? look(AT_FDCWD, span.path, O_NOFOLLOW, span.file, file) : -ENOENT;
}

// Which of the links to follow their text says: looking at the files themselves might ask who serves them.
int look_by_descriptor(int process, const SharedSpan& span, UniqueFd* file) noexcept {
  const int fd = ::openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -errno;
  DIR* const directory = ::fdopendir(fd);
  if (directory == nullptr) {
    ::close(fd);
    return -ENOMEM;
  }
  int error = -ENOENT;
  for (int i = 0; error == -ENOENT && i < kMostDescriptors; ++i) {
    const dirent* entry = ::readdir(directory);
    if (entry == nullptr) break;
    char text[PATH_MAX];
    const ssize_t length = ::readlinkat(fd, entry->d_name, text, sizeof text);
    if (length < 0 || std::strlen(span.path) != static_cast<std::size_t>(length) ||
        std::memcmp(span.path, text, static_cast<std::size_t>(length)) != 0)
      continue;
    error = look(fd, entry->d_name, 0, span.file, file);
    if (error != -EMFILE && error != -ENFILE && error != 0) error = -ENOENT;
  }
  ::closedir(directory);
  return error;
}

int look_by_mapping(int process, const SharedSpan& span, UniqueFd* file) noexcept {
  char name[64];
  std::snprintf(name, sizeof name, "map_files/%" PRIx64 "-%" PRIx64, span.start, span.end);
  return look(process, name, 0, span.file, file);
}

int find_file(int process, const SharedSpan& span, UniqueFd* file) noexcept {
  int error = look_by_name(span, file);
  if (error != 0 && error != -EMFILE) error = look_by_descriptor(process, span, file);
  if (error != 0 && error != -EMFILE) error = look_by_mapping(process, span, file);
  return error == 0 || error == -EMFILE || error == -ENFILE ? error : -ENOENT;
}

// Not to wait for whoever holds a lease.
int reopen(int file, int access) noexcept {
  char name[32];
  std::snprintf(name, sizeof name, "/proc/self/fd/%d", file);
  return ::open(name, access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

}  // namespace

int open_mapped_file(int process, const SharedSpan& span, UniqueFd* file, bool* writable) noexcept {
  UniqueFd found;
  if (const int error = find_file(process, span, &found); error != 0) return error;
  struct statfs system {};
  if (::fstatfs(found.get(), &system) != 0) return -errno;
  if (!is_local(system)) return -EOPNOTSUPP;
  if (holds_record_locks(span.file)) return -EBUSY;
  UniqueFd opened;
  if (span.writable) opened.reset(reopen(found.get(), O_RDWR));
  *writable = static_cast<bool>(opened);
  if (!opened) opened.reset(reopen(found.get(), O_RDONLY));
  if (!opened) return -errno;
  *file = std::move(opened);
  return 0;
}

}  // namespace anchor
