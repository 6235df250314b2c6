// SPDX-License-Identifier: BSD-2-Clause
// A fresh directory on a memory file system for a test. It goes with the object; what a test leaves that fails or
// crashes goes at the end of the program, which runs each test in a process of its own.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <string>

namespace anchor::unit {

class ScratchDirectory {
 public:
  ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ~ScratchDirectory();

  const std::string& path() const noexcept { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path_), {}));
  }

 private:
  const pid_t maker_ = ::getpid();
  std::string path_;
};

}  // namespace anchor::unit
