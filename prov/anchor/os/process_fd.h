// SPDX-License-Identifier: BSD-2-Clause
// A file descriptor that a forked child never has.
//
// Open file description locks belong to the open file, which fork(2) shares with the child: without this a child that
// merely sleeps would hold its dead parent's locks, and with them the parent's name and contacts, for as long as it
// sleeps. Close-on-exec alone does not help a child that never calls exec. So the process keeps a list of these
// descriptors; a pthread_atfork(3) handler closes them in the child, where get() is then -1. No fork can fall between
// open() and the entry in the list, nor between the list and close(): both hold the lock that fork waits for.
// A mapping holds the open file it was made from as a descriptor does: what is mapped through one of these must not be
// inherited either (map_guarded marks it MADV_DONTFORK), and keeps the locks beyond close().
// Not covered: a child made by a bare clone(2) or _Fork(3), which run no handlers; vfork(2) and posix_spawn(3) are
// covered by close-on-exec.
//
// Thread-safe against fork in other threads; one object is used by one thread at a time. Neither copied nor moved,
// since the list holds its address. Nothing is allocated.
#pragma once

#include <sys/types.h>

#include "os/shared_memory.h"

namespace anchor {

class ProcessFd {
 public:
  ProcessFd() noexcept = default;
  ProcessFd(const ProcessFd&) = delete;
  ProcessFd& operator=(const ProcessFd&) = delete;
  ~ProcessFd() { reset(); }

  // open(2) with O_CLOEXEC added; closes what was open before. 0 or a negated errno value.
  int open(const char* path, int flags, mode_t mode = 0) noexcept;
  // The same for what `make` returns: a new descriptor that is close-on-exec, or a negative number with errno set.
  int open_by(int (*make)() noexcept) noexcept;
  // Owns `fd`, which is open and close-on-exec; a child forked since it was opened has it. 0, or a negated errno value:
  // it is closed then.
  int adopt(int fd) noexcept;
  void reset() noexcept;

  // -1 when nothing is open, and in a child forked since open().
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

  // Says that what is open was made by this process, until it is closed.
  void mark_own(const FileIdentity& file) noexcept;
  // Whether an open file of this process, and of none that it was forked from, was marked so.
  static bool is_own(const FileIdentity& file) noexcept;

 private:
  friend struct ProcessFdList;

  template <class Make>
  int open_with(Make&& make) noexcept;

  int fd_ = -1;
  FileIdentity own_;
  ProcessFd* next_ = nullptr;
  ProcessFd* previous_ = nullptr;
};

}  // namespace anchor
