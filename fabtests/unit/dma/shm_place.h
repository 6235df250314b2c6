// SPDX-License-Identifier: BSD-2-Clause
// A shm device in a directory of its own, and short ways to make regions on it.
#pragma once

#include <criterion/criterion.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>

#include "../os/child_process.h"
#include "../os/scratch_directory.h"
#include "dma/shm_device.h"
#include "dma/shm_region.h"
#include "os/cacheline.h"

namespace anchor::unit {

inline EndpointName named(const std::string& name) { return EndpointName::from("anchor://" + name); }

inline bool all_zero(const std::byte* bytes, std::size_t count) {
  return std::all_of(bytes, bytes + count, [](std::byte value) { return value == std::byte{0}; });
}

inline struct stat status_of(const std::string& path) {
  struct stat status {};
  cr_assert_eq(::stat(path.c_str(), &status), 0);
  return status;
}

struct ShmPlace {
  ShmPlace() : ShmPlace(ShmSettings{}) {}
  explicit ShmPlace(ShmSettings settings) : device((settings.directory = scratch.path(), settings)) {}

  std::string path(const std::string& name) const { return region_path(scratch.path(), named(name)); }

  std::unique_ptr<LocalRegion> unpublished(const std::string& name, std::size_t header_size = kPageSize) {
    std::unique_ptr<LocalRegion> region;
    return device.create(named(name), header_size, &region) == 0 ? std::move(region) : nullptr;
  }
  std::unique_ptr<LocalRegion> published(const std::string& name) {
    auto region = unpublished(name);
    return region != nullptr && region->publish() == 0 ? std::move(region) : nullptr;
  }
  std::unique_ptr<RemoteRegion> attached(const std::string& name) {
    std::unique_ptr<RemoteRegion> region;
    return device.attach(named(name), &region) == 0 ? std::move(region) : nullptr;
  }
  int attach_error(const std::string& name) {
    std::unique_ptr<RemoteRegion> region;
    return device.attach(named(name), &region);
  }

  // A region whose owner lives until the returned child is killed or told to end. The owner cuts its file to nothing
  // when it is told something the first time, and answers.
  Child owner_elsewhere(const std::string& name) {
    return Child([this, name](const Meeting& meeting) {
      const auto region = published(name);
      if (region == nullptr) return 1;
      std::memset(region->header(), 'h', kPageSize);
      meeting.tell();
      if (!meeting.await() || ::truncate(path(name).c_str(), 0) != 0) return 2;
      meeting.tell();
      meeting.await();
      return 0;
    });
  }

  // What an owner leaves behind that is killed.
  void leave_behind(const std::string& name) {
    Child owner = owner_elsewhere(name);
    cr_assert(owner.await());
    owner.kill();
    cr_assert_eq(::access(path(name).c_str(), F_OK), 0);
  }

  ScratchDirectory scratch;
  ShmDevice device;
};

// Goes into a mount namespace of its own for the rest of the process, without effect on anybody else's.
inline void enter_own_mounts() {
  cr_assert_eq(::unshare(CLONE_NEWNS), 0, "this test needs to make a mount namespace (run it as root): %s",
               std::strerror(errno));
  cr_assert_eq(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0, "cannot make mounts private: %s",
               std::strerror(errno));
}

inline void mount_memory(const std::string& directory, const std::string& options) {
  cr_assert_eq(::mount("tmpfs", directory.c_str(), "tmpfs", 0, options.c_str()), 0, "cannot mount a tmpfs: %s",
               std::strerror(errno));
}

}  // namespace anchor::unit
