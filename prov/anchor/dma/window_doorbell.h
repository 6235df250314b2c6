// SPDX-License-Identifier: BSD-2-Clause
// The doorbell as a process of the host has it that does not serve it (doorbell_server.h): an eventfd of its own that
// says that the host was rung, which its keeper waits for, and a way to ring other hosts.
//
// The server may come and go. Without it, or while anybody who may write to us cannot ring, the keeper looks by itself.
// open() and join() come first; tend(), serves() and pause() are the keeper's; the rest is thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

#include "dma/window.h"
#include "os/clock.h"
#include "os/process_fd.h"

namespace anchor {

class WindowDoorbell {
 public:
  explicit WindowDoorbell(Window& window) noexcept : window_(window) {}

  // Once, when the window is open. `wanted`: the configuration has one. Negated errno value.
  int open(bool wanted);
  bool is_open() const noexcept { return static_cast<bool>(nudge_); }

  // The process has endpoints from now on.
  void join() noexcept;

  // Looks whether the server is there, and what it says. Never waits.
  void tend() noexcept;
  // Whether it wakes us when anybody wants us.
  bool serves() noexcept { return welcome_ && window_.all_ring(); }
  // Until the host is rung, nudge(), news of the server, or that time is over.
  void pause(std::chrono::microseconds time) noexcept;
  void nudge() noexcept;

  // -EOPNOTSUPP: that host, or ours, has none at the moment.
  int ring(std::uint32_t host) noexcept;

 private:
  void connect() noexcept;
  void listen() noexcept;
  int greet(int socket) noexcept;
  void part(const char* why) noexcept;
  void warn(const char* why) noexcept;

  Window& window_;
  std::string path_;
  ProcessFd nudge_;
  std::atomic<bool> joined_{false};
  TimePoint next_attempt_{};
  bool told_ = false;     // that there is none
  bool welcome_ = false;  // changed under lock_
  std::mutex lock_;       // for what follows, when it is changed, or used by other threads
  ProcessFd socket_;
  ProcessFd event_;
  ProcessFd device_;
  bool rings_by_device_ = false;  // the present server's is device_
  std::uint64_t offset_ = 0;
};

}  // namespace anchor
