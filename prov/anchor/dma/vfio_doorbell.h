// SPDX-License-Identifier: BSD-2-Clause
// The interrupts of an ivshmem-doorbell device (QEMU's docs/specs/ivshmem-spec), through Linux's vfio-pci: one vector
// of this machine's, and the register by which it interrupts others. Its memory is not touched here: what one process
// maps or accesses by VFIO no other one can map from sysfs, which is how the window's users get at it.
//
// The device is reset when the last descriptor of it is closed, and its memory is away for that moment. So whoever uses
// the window is to have one as well: shared().
//
// Used by one thread at a time.
#pragma once

#include "dma/doorbell_device.h"
#include "os/unique_fd.h"

namespace anchor {

class VfioDoorbell final : public DoorbellDevice {
 public:
  // Once, for a device as "0000:00:04.0". -EBUSY: its group is open elsewhere; otherwise with a warning.
  int open(const std::string& name, std::uint32_t host);

  int descriptor() const noexcept override { return event_.get(); }
  void take_rings() noexcept override;
  std::uint32_t word() const noexcept override { return word_; }
  int ring(std::uint32_t word) noexcept override;
  int shared(std::uint64_t* offset) const noexcept override;

 private:
  int refuse(const char* what, int error) const noexcept;
  int open_device();
  int find_registers() noexcept;
  int set_up_interrupt() noexcept;

  std::string name_;
  UniqueFd container_;
  UniqueFd group_;
  UniqueFd device_;
  UniqueFd event_;
  std::uint64_t registers_ = 0;  // where they lie in the device's descriptor
  std::uint32_t word_ = 0;
};

}  // namespace anchor
