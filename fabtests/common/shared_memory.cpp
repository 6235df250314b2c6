// SPDX-License-Identifier: BSD-2-Clause
#include "shared_memory.h"

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace anchor::fabtests {

namespace {

constexpr const char* kMark = "FABTESTS_PRIVATE_SHM";  // inherited by the processes of the tests

}  // namespace

bool enter_private_shared_memory(const std::string& options) {
  if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0) return false;
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  const std::string all = options.empty() ? "mode=1777" : "mode=1777," + options;
  if (mount("fabtests", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, all.c_str()) != 0) return false;
  setenv(kMark, "1", 1);
  return true;
}

bool shared_memory_is_private() { return std::getenv(kMark) != nullptr; }

void empty_private_shared_memory() {
  if (!shared_memory_is_private()) return;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm", ignored)) {
    std::filesystem::remove_all(entry.path(), ignored);
  }
}

std::vector<std::string> regions_in_shared_memory() {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm", ignored)) {
    const std::string name = entry.path().filename();
    if (name.rfind("anchor-window-", 0) == 0) continue;  // what a host knows of its partition stays
    if (name.rfind("anchor-", 0) == 0) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace anchor::fabtests
