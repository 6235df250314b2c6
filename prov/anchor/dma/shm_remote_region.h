// SPDX-License-Identifier: BSD-2-Clause
// A peer's region on the shm device, as found under its name at one moment.
//
// Keeps no descriptor but while a contact is claimed, and of the pipe of an owner that it had to wake or to watch; of
// that only while descriptors are plenty. Every other call opens the name again and checks that it still leads to
// the same file. (The kernel cannot give that file's number to another one while we have a part of it mapped.) Used by
// one thread at a time.
#pragma once

#include <sys/stat.h>

#include <memory>
#include <string>

#include "dma/device.h"
#include "os/process_fd.h"
#include "os/shared_memory.h"

namespace anchor {

class ShmRemoteRegion final : public RemoteRegion {
 public:
  ShmRemoteRegion(std::string path, std::shared_ptr<LostFlag> lost) noexcept
      : path_(std::move(path)), lost_(std::move(lost)) {}

  // Once, before anything else. What Device::attach returns.
  int open() noexcept;

  int map(std::uint64_t offset, std::size_t bytes, Mapping* mapping) noexcept override;
  bool alive() noexcept override;
  int watch_with(int notices, std::uint64_t key) noexcept override;
  void unwatch() noexcept override { pipe_.reset(); }
  int wake() noexcept override;
  int claim_contact(unsigned index) noexcept override;
  void release_contact() noexcept override { contact_.reset(); }
  bool of_this_process() const noexcept override { return ProcessFd::is_own(identity_); }

 private:
  int reopen(ProcessFd* file, struct stat* status) noexcept;
  int open_pipe() noexcept;

  const std::string path_;
  FileIdentity identity_;
  ProcessFd pipe_;  // to the owner's wait object, once it was used
  bool pipe_kept_ = false;
  ProcessFd contact_;               // open while a contact is claimed; its lock goes with it
  std::uint64_t mapped_end_ = 0;    // a living owner's file is never shorter
  std::shared_ptr<LostFlag> lost_;  // shared with the mappings, which may outlive this
};

}  // namespace anchor
