// SPDX-License-Identifier: BSD-2-Clause
// Direct copy on the shm device: cross-memory attach, with a proof each time that the process is still the one that
// made the offer. Stateless after construction; may be used from several threads.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>

#include "dma/device.h"

namespace anchor {

class ShmDirectCopy final : public DirectCopy {
 public:
  explicit ShmDirectCopy(const DirectCopyOffer& offer) noexcept : offer_(offer) {}

  // Whether the offered process is there, may be read, and shows the proof. -ESRCH: no such process, or another one
  // than meant; -EPERM: the kernel refuses; -EFAULT: nothing at the offered address; -EINVAL: no process number at all.
  int check() const noexcept;

  // -ESRCH also when the process has gone and another one got its number.
  std::ptrdiff_t read(const iovec* local, std::size_t local_count, const iovec* remote,
                      std::size_t remote_count) noexcept override;
  std::ptrdiff_t write(const iovec* local, std::size_t local_count, const iovec* remote,
                       std::size_t remote_count) noexcept override;

 private:
  pid_t process() const noexcept { return static_cast<pid_t>(offer_.process_id); }

  const DirectCopyOffer offer_;
};

}  // namespace anchor
