// SPDX-License-Identifier: BSD-2-Clause
// A doorbell between hosts that are on one machine, such as containers: each has a socket in a folder that they share,
// and a ring is a datagram to it. A host's word is its number. Also stands in for a device in tests.
//
// Used by one thread at a time.
#pragma once

#include "dma/doorbell_device.h"
#include "os/unique_fd.h"

namespace anchor {

class SocketDoorbell final : public DoorbellDevice {
 public:
  SocketDoorbell() noexcept = default;
  ~SocketDoorbell() override;
  SocketDoorbell(const SocketDoorbell&) = delete;
  SocketDoorbell& operator=(const SocketDoorbell&) = delete;

  // Once. Negated errno value, with a warning. Requires: no other process has the host's, for it would lose it.
  int open(const std::string& folder, std::uint32_t host);

  int descriptor() const noexcept override { return socket_.get(); }
  void take_rings() noexcept override;
  std::uint32_t word() const noexcept override { return host_; }
  int ring(std::uint32_t word) noexcept override;
  std::string unreachable(std::uint32_t word, int error) const override;

 private:
  std::string path_of(std::uint32_t host) const { return folder_ + "/doorbell" + std::to_string(host); }

  std::string folder_;
  std::string path_;  // ours
  std::uint32_t host_ = 0;
  UniqueFd socket_;
};

}  // namespace anchor
