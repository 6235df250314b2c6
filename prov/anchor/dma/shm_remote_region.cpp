// SPDX-License-Identifier: BSD-2-Clause
#include "dma/shm_remote_region.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "dma/shm_region.h"
#include "dma/shm_wait_pipe.h"
#include "os/cacheline.h"
#include "os/file_lock.h"
#include "os/hangup_watch.h"
#include "os/log.h"
#include "os/unique_fd.h"

namespace anchor {
namespace {

constexpr mode_t kForOthers = 0077;
// The upper half of those that a process may have is left to others: none of them is kept for what can do without.
bool scarce(int descriptor) noexcept {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) != 0 || static_cast<rlim_t>(descriptor) >= limit.rlim_cur / 2;
}

// Running out of descriptors says nothing about the peer: the caller shall ask again.
int retry_without_descriptor(int error) noexcept { return error == -EMFILE || error == -ENFILE ? -EAGAIN : error; }

// The numbers are the peer's: nothing is assumed of them.
bool lies_inside(std::uint64_t offset, std::size_t bytes, std::uint64_t size) noexcept {
  return bytes != 0 && offset % kPageSize == 0 && bytes % kPageSize == 0 && offset <= size && bytes <= size - offset;
}

}  // namespace

int ShmRemoteRegion::open() noexcept {
  ProcessFd file;
  struct stat status {};
  if (const int error = open_region(path_.c_str(), &file, &status); error != 0) return retry_without_descriptor(error);
  if ((status.st_mode & kForOthers) != 0) {
    ANCHOR_WARN(kEndpoint, "%s has mode %o: others may write to it, so nothing in it is taken; remove it",
                path_.c_str(), status.st_mode & 07777);
    return -EACCES;
  }
  const int locked = byte_locked(file.get(), kLivenessByte);
  if (locked < 0) return locked;
  if (locked == 0) return -EOWNERDEAD;
  // A living owner's file has its header since before it had its name; a shorter one was cut by somebody.
  if (status.st_size < static_cast<off_t>(kPageSize)) return -ENOENT;
  identity_ = identity_of(status);
  return 0;
}

int ShmRemoteRegion::reopen(ProcessFd* file, struct stat* status) noexcept {
  if (const int error = open_region(path_.c_str(), file, status); error != 0) return retry_without_descriptor(error);
  if (identity_of(*status) == identity_) return 0;
  file->reset();
  return -ENOENT;
}

// Never through contact_: a mapping keeps its open file, and with it the contact's lock, beyond release_contact().
int ShmRemoteRegion::map(std::uint64_t offset, std::size_t bytes, Mapping* mapping) noexcept {
  ProcessFd file;
  struct stat status {};
  if (const int error = reopen(&file, &status); error != 0) return error;
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (!lies_inside(offset, bytes, size)) {
    ANCHOR_WARN(kEndpoint, "%s: its owner names %zu bytes from %llu, but it has %llu: not talking to that owner",
                path_.c_str(), bytes, static_cast<unsigned long long>(offset), static_cast<unsigned long long>(size));
    return -EPROTO;
  }
  std::byte* address = nullptr;
  if (const int error = map_guarded(file.get(), offset, bytes, lost_.get(), &address); error != 0) {
    ANCHOR_WARN(kEndpoint, "cannot map %zu bytes of %s: %s", bytes, path_.c_str(), std::strerror(-error));
    return error;
  }
  *mapping = Mapping(address, bytes, lost_);
  mapped_end_ = std::max(mapped_end_, offset + bytes);
  return 0;
}

// Opened for reading only and outside of the list of ProcessFd: no lock is taken, so a fork in between does no harm.
bool ShmRemoteRegion::alive() noexcept {
  if (lost_->load(std::memory_order_relaxed)) return false;
  const UniqueFd file(::open(path_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  // Without a descriptor the lock stays unknown; that the name leads to the same file is all that can be told.
  if (!file) return leads_to(path_.c_str(), identity_);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return true;
  if (identity_of(status) != identity_ || static_cast<std::uint64_t>(status.st_size) < mapped_end_) return false;
  return byte_locked(file.get(), kLivenessByte) != 0;
}

int ShmRemoteRegion::open_pipe() noexcept try {
  const int error = open_wait_pipe(wait_pipe_path(path_, identity_).c_str(), &pipe_);
  pipe_kept_ = error == 0 && !scarce(pipe_.get());
  return error;
} catch (const std::bad_alloc&) {
  return -ENOMEM;
}

int ShmRemoteRegion::watch_with(int notices, std::uint64_t key) noexcept {
  if (!pipe_)
    if (const int error = open_pipe(); error != 0) return error;
  const int error = pipe_kept_ ? watch_hangup(notices, pipe_.get(), key) : -EMFILE;
  if (error != 0) pipe_.reset();
  return error;
}

int ShmRemoteRegion::wake() noexcept {
  if (!pipe_)
    if (const int error = open_pipe(); error != 0) return error;
  const int error = ring_wait_pipe(pipe_.get());
  if (!pipe_kept_) pipe_.reset();
  return error;
}

int ShmRemoteRegion::claim_contact(unsigned index) noexcept {
  struct stat status {};
  if (const int error = reopen(&contact_, &status); error != 0) return error;
  const int error = try_lock_byte(contact_.get(), kFirstContactByte + index);
  if (error != 0) contact_.reset();
  return error == -EAGAIN ? -EBUSY : error;
}

}  // namespace anchor
