// SPDX-License-Identifier: BSD-2-Clause
// The one process of a host that has its doorbell's device: it tells the other hosts how to ring, and whenever they do
// tells each process of this host that has come for it. anchor_window serve runs it.
//
// Used by one thread.
#pragma once

#include <vector>

#include "dma/doorbell_device.h"
#include "dma/doorbell_message.h"
#include "dma/window.h"
#include "os/process_fd.h"
#include "os/unique_fd.h"

namespace anchor {

class DoorbellServer {
 public:
  // `window`, open, and the device live longer.
  explicit DoorbellServer(Window& window) noexcept : window_(window) {}
  ~DoorbellServer();
  DoorbellServer(const DoorbellServer&) = delete;
  DoorbellServer& operator=(const DoorbellServer&) = delete;

  // Once each, in this order, the device being opened in between: the host is ours alone; processes find us. -EBUSY and
  // others with a warning.
  int claim() noexcept;
  int open(DoorbellDevice& device);
  // Until `end` is readable. Negated errno value, with a warning.
  int run(int end);

 private:
  struct Client {
    UniqueFd socket;
    UniqueFd event;
  };

  void welcome();
  bool hear(Client& client);
  void pass_on() noexcept;
  void warn(std::uint32_t word, int error);

  Window& window_;
  DoorbellDevice* device_ = nullptr;
  ProcessFd lock_;  // that there is one of us for the host
  UniqueFd listener_;
  bool resting_ = false;      // no descriptor is left for who comes
  std::uint32_t warned_ = 0;  // bit i: of host i, which cannot be rung
  std::vector<Client> clients_;
};

}  // namespace anchor
