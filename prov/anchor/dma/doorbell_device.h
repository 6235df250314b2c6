// SPDX-License-Identifier: BSD-2-Clause
// What interrupts a host, and other hosts, as the one process sees it that serves it to all others of the host
// (doorbell_server.h).
//
// Used by one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace anchor {

class DoorbellDevice {
 public:
  virtual ~DoorbellDevice() = default;

  // Readable once the host was rung, until take_rings().
  virtual int descriptor() const noexcept = 0;
  virtual void take_rings() noexcept = 0;

  // What another host's device is told to ring this one.
  virtual std::uint32_t word() const noexcept = 0;
  // Rings the host whose word that is; one of nobody's rings nobody. Negated errno value.
  virtual int ring(std::uint32_t word) noexcept = 0;
  // Why that did not ring a host that has a doorbell, and what to do, for a warning.
  virtual std::string unreachable(std::uint32_t word, int error) const;

  // What any process that has it rings with, by writing a word at `*offset`; -1: only ring() does.
  virtual int shared(std::uint64_t* /*offset*/) const noexcept { return -1; }
};

// "vfio:DOMAIN:BUS:DEVICE.FUNCTION", an ivshmem device that vfio-pci drives, or "socket:FOLDER", hosts that are on one
// machine. Whether it is written so.
bool is_doorbell(std::string_view description) noexcept;

// For host number `host`. -EBUSY: another process has it, which may pass; -EINVAL: not is_doorbell(); -ENOMEM; others
// with a warning.
int open_doorbell(const std::string& description, std::uint32_t host, std::unique_ptr<DoorbellDevice>* device) noexcept;

}  // namespace anchor
