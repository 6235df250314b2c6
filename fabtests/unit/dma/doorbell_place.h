// SPDX-License-Identifier: BSD-2-Clause
// A doorbell's device that is played, and its server in a thread of its own.
#pragma once

#include <criterion/criterion.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "dma/doorbell_server.h"
#include "open_window.h"

namespace anchor::unit {

inline UniqueFd new_event() { return UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

inline bool is_readable(int fd, int milliseconds) {
  pollfd wanted{fd, POLLIN, 0};
  return ::poll(&wanted, 1, milliseconds) == 1;
}

inline constexpr int kLong = 20000;  // ms that no test waits in vain

class PlayedDoorbell final : public DoorbellDevice {
 public:
  explicit PlayedDoorbell(std::uint32_t word) : word_(word) {}

  int descriptor() const noexcept override { return event_.get(); }
  void take_rings() noexcept override {
    eventfd_t count;
    static_cast<void>(::eventfd_read(event_.get(), &count));
  }
  std::uint32_t word() const noexcept override { return word_; }
  int ring(std::uint32_t word) noexcept override {
    const std::lock_guard guard(lock_);
    rung_.push_back(word);
    return failure;
  }
  int shared(std::uint64_t* offset) const noexcept override {
    *offset = 64;
    return shared_device;
  }

  void interrupt() const { cr_assert_eq(::eventfd_write(event_.get(), 1), 0); }
  std::vector<std::uint32_t> rung() {
    const std::lock_guard guard(lock_);
    return rung_;
  }
  int shared_device = -1;
  std::atomic<int> failure{0};  // of rings

 private:
  const std::uint32_t word_;
  UniqueFd event_ = new_event();
  std::mutex lock_;
  std::vector<std::uint32_t> rung_;
};

// Of a window that is open.
struct PlayedServer {
  explicit PlayedServer(Window& window, std::uint32_t word = 7 << 16, int shared_device = -1)
      : device(word), server(std::make_unique<DoorbellServer>(window)) {
    device.shared_device = shared_device;
    cr_assert_eq(server->claim(), 0);
    cr_assert_eq(server->open(device), 0);
    thread = std::thread([this] { cr_assert_eq(server->run(end.get()), 0); });
  }
  ~PlayedServer() {
    cr_assert_eq(::eventfd_write(end.get(), 1), 0);
    thread.join();
  }

  PlayedDoorbell device;
  UniqueFd end = new_event();
  std::unique_ptr<DoorbellServer> server;
  std::thread thread;
};

}  // namespace anchor::unit
