// SPDX-License-Identifier: BSD-2-Clause
#include "dma/window_keeper.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <new>
#include <system_error>

#include "dma/window_doorbell.h"
#include "os/log.h"
#include "os/signals_blocked.h"

namespace anchor {
namespace {

using std::chrono::microseconds;

constexpr microseconds kFirstInterval{50};
constexpr microseconds kLastInterval{1000};
// Looks at one interval before the next longer one.
constexpr unsigned kLooksPerInterval = 200;
// At an owner that is awake, before it is left alone until it says that it goes to sleep again.
constexpr unsigned kLooksAtAwake = 200;

}  // namespace

WindowWatch::WindowWatch(MemoryType memory, const std::byte* board, std::size_t bytes,
                         const std::atomic<std::uint64_t>* epoch, int event)
    : memory_(memory),
      words_(reinterpret_cast<const std::atomic<std::uint64_t>*>(board)),
      epoch_(epoch),
      event_(event),
      seen_(bytes / 8, 0) {}

void WindowWatch::expect() noexcept {
  const std::lock_guard guard(lock_);
  refresh();
  for (std::size_t i = 0; i < seen_.size(); ++i) seen_[i] = load(i);
  last_epoch_ = epoch_->load(std::memory_order_relaxed);
  settled_ = TimePoint::max();
  wanted_ = true;
  awake_looks_ = 0;
}

void WindowWatch::wake_at(TimePoint time) noexcept {
  const std::lock_guard guard(lock_);
  due_ = time;
}

// What is compared with was seen before the owner looked for the last time (S5 of fifo/sleep_line.h), so that either
// sees a change.
bool WindowWatch::look(TimePoint now, bool rung, bool* changed) noexcept {
  const std::lock_guard guard(lock_);
  const bool waits = is_time(now);
  return look_for_sleeper(now, rung, changed) || waits;
}

// Returns whether that is still to come. An owner that is awake looks by itself before it sleeps.
bool WindowWatch::is_time(TimePoint now) noexcept {
  if (due_ == TimePoint::max()) return false;
  if (now < due_) return true;
  due_ = TimePoint::max();
  if (epoch_->load(std::memory_order_acquire) % 2 != 0) static_cast<void>(::eventfd_write(event_, 1));
  return false;
}

bool WindowWatch::look_for_sleeper(TimePoint now, bool rung, bool* changed) noexcept {
  if (!wanted_) return false;
  const std::uint64_t epoch = epoch_->load(std::memory_order_acquire);
  if (epoch % 2 == 0) {
    // Awake. Or not asleep yet, though it may take its time for that.
    if (epoch != last_epoch_) wanted_ = !rung && ++awake_looks_ < kLooksAtAwake;
    return wanted_;
  }
  if (epoch != last_epoch_ && settled_ == TimePoint::max()) settled_ = now + kSettling;
  awake_looks_ = 0;
  bool news = false;
  refresh();
  for (std::size_t i = 0; i < seen_.size(); ++i) {
    const std::uint64_t counts = load(i);
    news |= counts != seen_[i];
    seen_[i] = counts;
  }
  if (news) {
    *changed = true;
    static_cast<void>(::eventfd_write(event_, 1));
  }
  return !rung || now < settled_;
}

WindowKeeper::~WindowKeeper() {
  if (!thread_.joinable()) return;
  if (process_ != ::getpid()) {
    thread_.detach();  // a forked child has no such thread
    return;
  }
  {
    const std::lock_guard guard(lock_);
    stops_ = true;
    call();
  }
  thread_.join();
}

int WindowKeeper::start() noexcept {
  const std::lock_guard guard(lock_);
  if (thread_.joinable()) return 0;
  try {
    const SignalsBlocked blocked;
    process_ = ::getpid();
    thread_ = std::thread([this] { run(); });
    return 0;
  } catch (const std::system_error&) {
    ANCHOR_WARN(kDomain, "no thread left for the window's heartbeat");
    return -EAGAIN;
  }
}

void WindowKeeper::add(WindowWatch* watch) {
  const std::lock_guard guard(lock_);
  watches_.push_back(watch);
}

void WindowKeeper::remove(WindowWatch* watch) noexcept {
  if (process_ != ::getpid()) return;
  const std::lock_guard guard(lock_);
  std::erase(watches_, watch);
}

void WindowKeeper::expect(WindowWatch& watch) noexcept {
  watch.expect();
  call_upon();
}

void WindowKeeper::wake_at(WindowWatch& watch, TimePoint time) noexcept {
  watch.wake_at(time);
  call_upon();
}

// seq_cst on both sides: either the keeper sees before it rests what the watch was told, or we see that it rests.
void WindowKeeper::call_upon() noexcept {
  if (!rests_.load(std::memory_order_seq_cst)) return;
  const std::lock_guard guard(lock_);
  called_upon_ = true;
  call();
}

bool WindowKeeper::look_at_all(bool rung, bool* changed) noexcept {
  bool wanted = false;
  const TimePoint now = Clock::now();
  for (WindowWatch* watch : watches_) wanted |= watch->look(now, rung, changed);
  return wanted;
}

// Under the lock, as is what it makes known.
void WindowKeeper::call() noexcept {
  if (doorbell_ != nullptr && doorbell_->is_open()) return doorbell_->nudge();
  called_.notify_one();
}

void WindowKeeper::pause(std::unique_lock<std::mutex>& guard, microseconds time) noexcept {
  if (doorbell_ == nullptr || !doorbell_->is_open()) {
    called_.wait_for(guard, time);
    return;
  }
  guard.unlock();
  doorbell_->pause(time);
  guard.lock();
}

void WindowKeeper::run() noexcept {
  std::unique_lock guard(lock_);
  microseconds interval = kFirstInterval;
  unsigned looks = 0;
  while (!stops_) {
    guard.unlock();
    window_.beat_if_due();
    if (doorbell_ != nullptr) doorbell_->tend();
    const bool rung = doorbell_ != nullptr && doorbell_->serves();
    guard.lock();
    bool changed = false;
    rests_.store(true, std::memory_order_seq_cst);
    const bool wanted = look_at_all(rung, &changed);
    if (wanted) rests_.store(false, std::memory_order_relaxed);
    if (changed || called_upon_ || !wanted) interval = kFirstInterval, looks = 0;
    called_upon_ = false;
    if (++looks % kLooksPerInterval == 0) interval = std::min(2 * interval, kLastInterval);
    microseconds time = std::chrono::duration_cast<microseconds>(kHeartbeat) / 2;
    if (wanted) time = rung ? kSettling : interval;
    if (!stops_) pause(guard, time);
  }
}

}  // namespace anchor
