// SPDX-License-Identifier: BSD-2-Clause
#include "shared_files.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace anchor::bench {
namespace {

constexpr std::uint64_t kBlock = 512;  // the unit of st_blocks, whatever the file system

bool in_shared_memory(const std::string& path) { return path.starts_with("/dev/shm/") || path.starts_with("/memfd:"); }

void add(SharedFiles& files, const std::string& path) {
  struct stat state {};
  if (stat(path.c_str(), &state) == 0) files[state.st_ino] = static_cast<std::uint64_t>(state.st_blocks) * kBlock;
}

void add_mapped(SharedFiles& files) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const std::size_t slash = line.find('/');
    if (slash != std::string::npos && in_shared_memory(line.substr(slash))) add(files, line.substr(slash));
  }
}

// Finds what has been unlinked, too.
void add_open(SharedFiles& files) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const std::string target = std::filesystem::read_symlink(entry.path(), gone).string();
    if (!gone && in_shared_memory(target)) add(files, entry.path().string());
  }
}

std::uint64_t status_bytes(const std::string& name) {
  std::ifstream status("/proc/self/status");
  std::uint64_t kibibytes = 0;
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(name)) std::istringstream(line.substr(name.size())) >> kibibytes;
  return kibibytes * 1024;
}

}  // namespace

SharedFiles shared_files_in_use() {
  SharedFiles files;
  add_mapped(files);
  add_open(files);
  return files;
}

ResidentPages resident_pages() {
  return {.heap_bytes = status_bytes("RssAnon:"), .file_bytes = status_bytes("RssFile:")};
}

}  // namespace anchor::bench
