// SPDX-License-Identifier: BSD-2-Clause
#include "os/process_fd.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <utility>

namespace anchor {

// Constant-initialised and trivially destroyed: usable from the first constructor to the last destructor of a process.
struct ProcessFdList {
  static inline std::mutex mutex;
  static inline ProcessFd* first = nullptr;

  static void add(ProcessFd* entry) noexcept {
    entry->previous_ = nullptr;
    entry->next_ = first;
    if (first != nullptr) first->previous_ = entry;
    first = entry;
  }

  static void remove(ProcessFd* entry) noexcept {
    (entry->previous_ != nullptr ? entry->previous_->next_ : first) = entry->next_;
    if (entry->next_ != nullptr) entry->next_->previous_ = entry->previous_;
    entry->next_ = entry->previous_ = nullptr;
  }

  static void close(ProcessFd* entry) noexcept {
    remove(entry);
    entry->own_ = {};
    ::close(std::exchange(entry->fd_, -1));
  }

  static void before_fork() { mutex.lock(); }
  static void after_fork_in_parent() { mutex.unlock(); }
  static void after_fork_in_child() {
    while (first != nullptr) close(first);
    mutex.unlock();
  }

  // 0 if the handlers stand. They do from the moment the plugin is loaded: a child forked while another thread first
  // got here would wait for ever for what that thread had begun.
  static const int watch_error;
};

const int ProcessFdList::watch_error = -pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);

template <class Make>
int ProcessFd::open_with(Make&& make) noexcept {
  reset();
  if (ProcessFdList::watch_error != 0) return ProcessFdList::watch_error;
  const std::lock_guard<std::mutex> no_fork(ProcessFdList::mutex);
  const int fd = make();
  if (fd < 0) return -errno;
  fd_ = fd;
  ProcessFdList::add(this);
  return 0;
}

int ProcessFd::open(const char* path, int flags, mode_t mode) noexcept {
  return open_with([&]() noexcept { return ::open(path, flags | O_CLOEXEC, mode); });
}

int ProcessFd::open_by(int (*make)() noexcept) noexcept { return open_with(make); }

int ProcessFd::adopt(int fd) noexcept {
  const int error = open_with([fd]() noexcept { return fd; });
  if (error != 0 && fd >= 0) ::close(fd);
  return error;
}

void ProcessFd::mark_own(const FileIdentity& file) noexcept {
  const std::lock_guard<std::mutex> no_fork(ProcessFdList::mutex);
  if (fd_ >= 0) own_ = file;
}

bool ProcessFd::is_own(const FileIdentity& file) noexcept {
  const std::lock_guard<std::mutex> no_fork(ProcessFdList::mutex);
  for (const ProcessFd* entry = ProcessFdList::first; entry != nullptr; entry = entry->next_)
    if (entry->own_ == file) return true;
  return false;
}

void ProcessFd::reset() noexcept {
  const std::lock_guard<std::mutex> no_fork(ProcessFdList::mutex);
  if (fd_ >= 0) ProcessFdList::close(this);
}

}  // namespace anchor
