// SPDX-License-Identifier: BSD-2-Clause
// The thread that a domain with a window has: it sends the heartbeat when that is due, and wakes endpoints that sleep.
//
// Nobody on another host can wake a process here, so somebody here has to look. While an endpoint sleeps, the keeper
// looks at its notification board: every 50 us at first, less often the longer nothing comes, at last once a
// millisecond. That is what sleeping on a window costs, in latency and in processor time. It also wakes endpoints at a
// given time, to have them look again (fifo/sleep_line.h). Where all who write to us ring a doorbell
// (window_doorbell.h), it looks when that rings, once more when everybody knows who sleeps, and with each heartbeat.
//
// Thread-safe.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "dma/window.h"
#include "os/clock.h"

namespace anchor {

// What is looked at for one sleeper, and how it is woken.
class WindowWatch {
 public:
  // `board`: words of our own memory, of that type, that others change to wake us; `epoch`: odd while we sleep.
  // `event`: an eventfd.
  WindowWatch(MemoryType memory, const std::byte* board, std::size_t bytes, const std::atomic<std::uint64_t>* epoch,
              int event);

  // The owner is about to announce that it sleeps, and to look for the last time: what changes from now on wakes it.
  void expect() noexcept;
  // Wakes the owner at that time, if it sleeps then, whatever the board says.
  void wake_at(TimePoint time) noexcept;
  // Wakes the sleeper if something changed, or it is time. Returns whether it is to be looked at again without being
  // called. `rung`: whoever changes something interrupts us once it knows that we sleep; until then, it is.
  bool look(TimePoint now, bool rung, bool* changed) noexcept;

 private:
  bool is_time(TimePoint now) noexcept;
  bool look_for_sleeper(TimePoint now, bool rung, bool* changed) noexcept;
  std::uint64_t load(std::size_t word) const noexcept { return words_[word].load(std::memory_order_acquire); }
  void refresh() const noexcept { anchor::refresh(memory_, words_, seen_.size() * sizeof *words_); }

  const MemoryType memory_;
  const std::atomic<std::uint64_t>* const words_;
  const std::atomic<std::uint64_t>* const epoch_;
  const int event_;
  std::mutex lock_;  // for what follows
  std::vector<std::uint64_t> seen_;
  bool wanted_ = false;
  unsigned awake_looks_ = 0;
  std::uint64_t last_epoch_ = 0;  // when the owner was about to announce another one
  TimePoint settled_{};           // when others know of that one, once it was seen; max(): it was not
  TimePoint due_ = TimePoint::max();
};

class WindowDoorbell;

class WindowKeeper {
 public:
  explicit WindowKeeper(Window& window, WindowDoorbell* doorbell = nullptr) noexcept
      : window_(window), doorbell_(doorbell) {}
  ~WindowKeeper();
  WindowKeeper(const WindowKeeper&) = delete;
  WindowKeeper& operator=(const WindowKeeper&) = delete;

  // Begins, once. -EAGAIN: no thread.
  int start() noexcept;

  void add(WindowWatch* watch);
  void remove(WindowWatch* watch) noexcept;
  // The watch's owner goes to sleep.
  void expect(WindowWatch& watch) noexcept;
  // Wakes the owner then. The time is kept as well as the looks at its board are.
  void wake_at(WindowWatch& watch, TimePoint time) noexcept;

 private:
  void call_upon() noexcept;
  void run() noexcept;
  bool look_at_all(bool rung, bool* changed) noexcept;
  void pause(std::unique_lock<std::mutex>& guard, std::chrono::microseconds time) noexcept;
  void call() noexcept;

  Window& window_;
  WindowDoorbell* const doorbell_;  // null, or not open: there is none
  std::mutex lock_;                 // for what follows
  std::condition_variable called_;
  std::vector<WindowWatch*> watches_;
  bool stops_ = false;
  bool called_upon_ = false;
  std::atomic<bool> rests_{false};
  pid_t process_ = 0;
  std::thread thread_;
};

}  // namespace anchor
