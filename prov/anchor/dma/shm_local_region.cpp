// SPDX-License-Identifier: BSD-2-Clause
#include "dma/shm_local_region.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <new>
#include <utility>

#include "dma/shm_region.h"
#include "dma/shm_wait_pipe.h"
#include "os/file_lock.h"
#include "os/hangup_watch.h"
#include "os/log.h"

namespace anchor {
namespace {

constexpr mode_t kOwnerOnly = 0600;

// Every turn means that a leftover went, or that somebody else was busy with one for a millisecond.
constexpr int kPublishAttempts = 100;
constexpr timespec kBusyPause{0, 1'000'000};
constexpr unsigned kUnbornAttempts = 100;

// What open(2) says where O_TMPFILE is unknown to the kernel or to the file system. ENOENT may also mean that the
// directory is missing; the second way then says so again.
bool nameless_unsupported(int error) noexcept {
  return error == -EOPNOTSUPP || error == -EISDIR || error == -EINVAL || error == -ENOENT;
}

}  // namespace

// Pipe and name first, lock last: a name without a lock is a leftover, and for a moment somebody would be right to
// clear it up while we unlink what may by then be the next owner's. In a forked child the file is closed and nothing
// here is its business.
ShmLocalRegion::~ShmLocalRegion() {
  if (pipe_) remove_wait_pipe();
  if (file_) {
    if (published_ && leads_to(path_.c_str(), identity_)) ::unlink(path_.c_str());
    if (!unborn_path_.empty() && leads_to(unborn_path_.c_str(), identity_)) ::unlink(unborn_path_.c_str());
  }
  if (base_ != nullptr) unmap_guarded(base_, size_limit_, &lost_);
  file_.reset();
}

int ShmLocalRegion::open(const ShmRegionSettings& settings, std::size_t header_size) {
  size_limit_ = settings.size_limit;
  if (const int error = open_file(settings); error != 0) {
    ANCHOR_WARN(kEndpoint, "cannot make a file in %s (FI_ANCHOR_SHM_DIR) for %s: %s", settings.directory.c_str(),
                path_.c_str(), std::strerror(-error));
    return error;
  }
  if (const int error = grow(header_size); error != 0) return error;
  used_ = header_size;
  const int error = map_guarded(file_.get(), 0, size_limit_, &lost_, &base_);
  if (error != 0) {
    ANCHOR_WARN(kEndpoint, "cannot get %zu bytes of address space for %s (%s): raise the limit (ulimit -v)",
                size_limit_, path_.c_str(), std::strerror(-error));
  }
  return error;
}

int ShmLocalRegion::open_file(const ShmRegionSettings& settings) {
  int error = -EOPNOTSUPP;
  if (settings.nameless_files) error = file_.open(settings.directory.c_str(), O_TMPFILE | O_RDWR, kOwnerOnly);
  if (error == 0 && !can_link_descriptor(file_.get())) error = -EOPNOTSUPP;
  if (nameless_unsupported(error)) {
    error = open_unborn(settings.directory);
  } else if (error == 0) {
    error = try_lock_byte(file_.get(), kLivenessByte);
  }
  if (error != 0) return error;
  if (::fchmod(file_.get(), kOwnerOnly) != 0) return -errno;  // whatever the umask took away
  struct stat status {};
  if (::fstat(file_.get(), &status) != 0) return -errno;
  identity_ = identity_of(status);
  file_.mark_own(identity_);
  return 0;
}

int ShmLocalRegion::open_unborn(const std::string& directory) {
  for (unsigned attempt = 0; attempt < kUnbornAttempts; ++attempt) {
    unborn_path_ = unborn_path(directory, attempt);
    int error = file_.open(unborn_path_.c_str(), O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR, kOwnerOnly);
    if (error == 0) error = lock_unborn();
    if (error == 0) return 0;
    unborn_path_.clear();
    if (error != -EEXIST && error != -EAGAIN) return error;
  }
  return -EBUSY;
}

// The file has a name already, so somebody may take it for a leftover until the liveness byte is held. The removal byte
// keeps such people out meanwhile; -EAGAIN: one of them was faster and will remove the file, or has.
int ShmLocalRegion::lock_unborn() noexcept {
  if (const int error = try_lock_byte(file_.get(), kRemovalByte); error != 0) return error;
  struct stat status {};
  if (::fstat(file_.get(), &status) != 0) return -errno;
  if (status.st_nlink == 0) return -EAGAIN;
  if (const int error = try_lock_byte(file_.get(), kLivenessByte); error != 0) return error;
  return unlock_byte(file_.get(), kRemovalByte);
}

int ShmLocalRegion::link_name() noexcept {
  if (unborn_path_.empty()) return link_descriptor(file_.get(), path_.c_str());
  if (::link(unborn_path_.c_str(), path_.c_str()) != 0) return -errno;
  ::unlink(unborn_path_.c_str());
  unborn_path_.clear();
  return 0;
}

int ShmLocalRegion::publish() noexcept {
  for (int attempt = 0; attempt < kPublishAttempts; ++attempt) {
    const int error = link_name();
    if (error != -EEXIST) return published_as(error);
    const int in_the_way = remove_if_dead(path_.c_str());
    if (in_the_way == -EADDRINUSE) break;
    if (in_the_way == -EAGAIN) ::nanosleep(&kBusyPause, nullptr);
    if (in_the_way != 0 && in_the_way != -EAGAIN) return in_the_way;
  }
  // No warning: whoever tries one name after the other meets this often.
  ANCHOR_INFO(kEndpoint, "a living endpoint has the name %s", path_.c_str());
  return -EADDRINUSE;
}

int ShmLocalRegion::published_as(int error) noexcept {
  published_ = error == 0;
  if (!published_) ANCHOR_WARN(kEndpoint, "cannot give a region the name %s: %s", path_.c_str(), std::strerror(-error));
  return error;
}

int ShmLocalRegion::wait_object() noexcept try {
  if (pipe_) return pipe_.get();
  const std::string path = wait_pipe_path(path_, identity_);
  const int error = make_wait_pipe(path.c_str(), &pipe_);
  if (error == 0) return pipe_.get();
  if (!std::exchange(pipe_refusal_told_, true))
    ANCHOR_WARN(kEndpoint, "cannot make the pipe %s (%s): waiting polls instead", path.c_str(), std::strerror(-error));
  return error;
} catch (const std::bad_alloc&) {
  return -ENOMEM;
}

void ShmLocalRegion::drain_wakes() noexcept {
  if (pipe_) drain_wait_pipe(pipe_.get());
}

int ShmLocalRegion::wake() noexcept { return pipe_ ? ring_wait_pipe(pipe_.get()) : 0; }

int ShmLocalRegion::death_notices() noexcept {
  if (notices_) return notices_.get();
  const int error = open_hangup_watch(&notices_);
  if (error == 0) return notices_.get();
  if (!std::exchange(notices_refusal_told_, true))
    ANCHOR_INFO(kEndpoint, "cannot be told of deaths (%s): %s wakes now and then to look", std::strerror(-error),
                path_.c_str());
  return error;
}

std::size_t ShmLocalRegion::take_death_notices(std::uint64_t* keys, std::size_t room) noexcept {
  return notices_ ? take_hangups(notices_.get(), keys, room) : 0;
}

void ShmLocalRegion::remove_wait_pipe() noexcept try {
  ::unlink(wait_pipe_path(path_, identity_).c_str());
} catch (const std::bad_alloc&) {  // it goes with the next sweep
}

}  // namespace anchor
