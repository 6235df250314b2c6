// SPDX-License-Identifier: BSD-2-Clause
#include "os/wait_fd.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

namespace anchor {
namespace {

timespec as_timespec(TimePoint moment) noexcept {
  const auto since = std::chrono::duration_cast<std::chrono::nanoseconds>(moment.time_since_epoch()).count();
  return {static_cast<time_t>(since / 1'000'000'000), static_cast<long>(since % 1'000'000'000)};
}

// Rounded up: waking before the moment would mean coming back for nothing.
int milliseconds_until(TimePoint moment) noexcept {
  if (moment == WaitFd::kNoAlarm) return -1;
  constexpr Milliseconds kLongest{60'000};
  const auto left = std::chrono::ceil<Milliseconds>(moment - Clock::now());
  return static_cast<int>(std::clamp(left, Milliseconds{0}, kLongest).count());
}

}  // namespace

int WaitFd::open() noexcept {
  if (is_open()) return 0;
  UniqueFd event(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!event) return -errno;
  UniqueFd set(::epoll_create1(EPOLL_CLOEXEC));
  if (!set) return -errno;
  set_ = std::move(set);
  event_ = std::move(event);
  if (const int error = add(event_.get()); error != 0) {
    set_.reset();
    return error;
  }
  return 0;
}

int WaitFd::add(int fd) noexcept {
  epoll_event wanted{};
  wanted.events = EPOLLIN;
  wanted.data.fd = fd;
  return ::epoll_ctl(set_.get(), EPOLL_CTL_ADD, fd, &wanted) == 0 ? 0 : -errno;
}

void WaitFd::remove(int fd) noexcept { ::epoll_ctl(set_.get(), EPOLL_CTL_DEL, fd, nullptr); }

// Flag and event change together: a flag that stays while its event is taken would silence all later signals.
void WaitFd::signal() noexcept {
  if (!is_open()) return;
  const std::lock_guard guard(signal_lock_);
  if (signalled_.load(std::memory_order_relaxed)) return;
  signalled_.store(true, std::memory_order_relaxed);
  const std::uint64_t one = 1;
  static_cast<void>(!::write(event_.get(), &one, sizeof one));
}

// A signal that the first look misses wakes somebody for nothing, and is cleared the next time.
void WaitFd::clear() noexcept {
  if (!signalled_.load(std::memory_order_relaxed)) return;
  const std::lock_guard guard(signal_lock_);
  signalled_.store(false, std::memory_order_relaxed);
  std::uint64_t count;
  static_cast<void>(!::read(event_.get(), &count, sizeof count));
}

int WaitFd::set_alarm(TimePoint moment) noexcept {
  if (moment == alarm_ && moment > Clock::now()) return 0;
  if (!timer_) {
    if (moment == kNoAlarm) return 0;
    timer_.reset(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
    if (!timer_) return -errno;
    if (const int error = add(timer_.get()); error != 0) {
      timer_.reset();
      return error;
    }
  }
  itimerspec setting{};
  if (moment != kNoAlarm) setting.it_value = as_timespec(moment);
  if (::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &setting, nullptr) != 0) return -errno;
  alarm_ = moment;
  return 0;
}

bool WaitFd::wait_until(TimePoint moment) noexcept {
  epoll_event found;
  return ::epoll_wait(set_.get(), &found, 1, milliseconds_until(moment)) > 0;
}

}  // namespace anchor
