// SPDX-License-Identifier: BSD-2-Clause
#include "os/wait_condition.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <new>
#include <system_error>
#include <utility>

#include "os/signals_blocked.h"

namespace anchor {
namespace {

int add_edge(int set, int descriptor) noexcept {
  epoll_event wanted{};
  wanted.events = EPOLLIN | EPOLLET;
  return ::epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &wanted) == 0 ? 0 : -errno;
}

}  // namespace

WaitCondition::~WaitCondition() {
  if (!thread_.joinable()) return;
  if (process_ != ::getpid()) {
    thread_.detach();
    return;
  }
  stops_.store(true, std::memory_order_seq_cst);
  const std::uint64_t one = 1;
  static_cast<void>(!::write(stop_.get(), &one, sizeof one));
  thread_.join();
}

int WaitCondition::open(int descriptor) noexcept {
  UniqueFd set(::epoll_create1(EPOLL_CLOEXEC));
  if (!set) return -errno;
  UniqueFd stop(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!stop) return -errno;
  if (const int error = add_edge(set.get(), stop.get()); error != 0) return error;
  if (const int error = add_edge(set.get(), descriptor); error != 0) return error;
  set_ = std::move(set);
  stop_ = std::move(stop);
  return 0;
}

int WaitCondition::start(int descriptor) noexcept {
  const std::lock_guard guard(start_lock_);
  if (thread_.joinable()) return 0;
  if (const int error = open(descriptor); error != 0) return error;
  process_ = ::getpid();
  try {
    const SignalsBlocked blocked;
    thread_ = std::thread([this] { run(); });
    return 0;
  } catch (const std::system_error&) {
    return -EAGAIN;
  } catch (const std::bad_alloc&) {
    return -ENOMEM;
  }
}

void WaitCondition::broadcast() noexcept {
  ::pthread_mutex_lock(&mutex_);
  ::pthread_cond_broadcast(&condition_);
  ::pthread_mutex_unlock(&mutex_);
}

void WaitCondition::run() noexcept {
  epoll_event found;
  for (;;) {
    const int count = ::epoll_wait(set_.get(), &found, 1, -1);
    if (stops_.load(std::memory_order_seq_cst)) return;
    if (count > 0) broadcast();
  }
}

}  // namespace anchor
