// SPDX-License-Identifier: BSD-2-Clause
// Direct copy on the shm device: cross-memory attach, and mapping what can be shared (shm_shared_view.h), with a proof
// that the process is still the one that made the offer: in the same system call for each read, and for writes one that
// is no older than kProofLifetime. May be used from several threads.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>

#include "dma/device.h"
#include "os/clock.h"

namespace anchor {

// Within that time the process would have to die and the kernel to go through all of its process numbers (at least
// 32768), or another program to be started in the process and to have the very addresses mapped. A new program takes
// longer to begin; and whatever the time, a writer may be stopped between proof and write.
inline constexpr std::chrono::microseconds kProofLifetime{50};

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
  int share(std::uint64_t address, std::uint64_t length, const std::shared_ptr<LostFlag>& lost,
            SharedView* view) noexcept override;

 private:
  pid_t process() const noexcept { return static_cast<pid_t>(offer_.process_id); }

  const DirectCopyOffer offer_;
  std::atomic<Clock::rep> shown_{0};  // when writing last saw the proof; relaxed: it orders nothing
};

}  // namespace anchor
