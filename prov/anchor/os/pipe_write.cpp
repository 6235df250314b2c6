// SPDX-License-Identifier: BSD-2-Clause
#include "os/pipe_write.h"

#include <pthread.h>
#include <signal.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <ctime>

namespace anchor {
namespace {

constexpr int kNoSignal = 0x100;  // RWF_NOSIGNAL of linux/fs.h, which C libraries do not have yet
constexpr off_t kAtItsEnd = -1;   // as write(2) does

// In this thread, for as long as this exists; what came meanwhile is taken back.
class PipeSignalHeld {
 public:
  PipeSignalHeld() noexcept {
    ::sigemptyset(&signal_);
    ::sigaddset(&signal_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &signal_, &former_);
  }
  ~PipeSignalHeld() { ::pthread_sigmask(SIG_SETMASK, &former_, nullptr); }
  PipeSignalHeld(const PipeSignalHeld&) = delete;
  PipeSignalHeld& operator=(const PipeSignalHeld&) = delete;

  // Where the application holds the signal too, one of its own may wait for it already.
  bool pending() const noexcept {
    sigset_t waiting;
    return ::sigismember(&former_, SIGPIPE) == 1 && ::sigpending(&waiting) == 0 &&
           ::sigismember(&waiting, SIGPIPE) == 1;
  }
  void take() noexcept {
    constexpr timespec kAtOnce{};
    ::sigtimedwait(&signal_, nullptr, &kAtOnce);
  }

 private:
  sigset_t signal_, former_;
};

}  // namespace

int write_byte_signal_held(int pipe) noexcept {
  PipeSignalHeld held;
  const bool pending = held.pending();
  const char byte = 1;
  const int error = ::write(pipe, &byte, 1) == 1 ? 0 : -errno;
  if (error == -EPIPE && !pending) held.take();
  return error;
}

int write_byte(int pipe) noexcept {
  static std::atomic<bool> flag_refused{false};
  if (!flag_refused.load(std::memory_order_relaxed)) {
    char byte = 1;
    const iovec bytes{&byte, 1};
    if (::pwritev2(pipe, &bytes, 1, kAtItsEnd, kNoSignal) == 1) return 0;
    if (errno == EAGAIN || errno == EPIPE) return -errno;
    flag_refused.store(true, std::memory_order_relaxed);  // whatever a kernel or a filter of system calls says to it
  }
  return write_byte_signal_held(pipe);
}

}  // namespace anchor
