// SPDX-License-Identifier: BSD-2-Clause
// Files that a process can share, a mapping of one, and the process's own folder in /proc.
#pragma once

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

#include "os/shared_memory.h"
#include "os/unique_fd.h"

namespace anchor::unit {

inline constexpr std::size_t kFilePage = 4096;

inline UniqueFd nameless_file(std::size_t pages, unsigned flags = 0) {
  UniqueFd file(::memfd_create("unit test", MFD_CLOEXEC | flags));
  cr_assert_eq(::ftruncate(file.get(), static_cast<off_t>(pages * kFilePage)), 0);
  return file;
}

inline UniqueFd named_file(const char* path, std::size_t pages) {
  UniqueFd file(::open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600));
  cr_assert_eq(::ftruncate(file.get(), static_cast<off_t>(pages * kFilePage)), 0);
  return file;
}

inline FileIdentity identity_of(const UniqueFd& file) {
  struct stat status {};
  cr_assert_eq(::fstat(file.get(), &status), 0);
  return anchor::identity_of(status);
}

// Some pages of addresses, all of them private at first.
class Pages {
 public:
  explicit Pages(std::size_t count) : count_(count) {
    void* const at = ::mmap(nullptr, count * kFilePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(at, MAP_FAILED);
    first_ = static_cast<std::byte*>(at);
  }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  ~Pages() { ::munmap(first_, count_ * kFilePage); }

  // `count` pages of the file from `from` on take the place of those from `page` on.
  void put(std::size_t page, std::size_t count, const UniqueFd& file, std::size_t from,
           int protection = PROT_READ | PROT_WRITE, int kind = MAP_SHARED) {
    void* const at = ::mmap(first_ + page * kFilePage, count * kFilePage, protection, kind | MAP_FIXED, file.get(),
                            static_cast<off_t>(from * kFilePage));
    cr_assert_neq(at, MAP_FAILED);
  }
  void protect(std::size_t page, std::size_t count, int protection) {
    cr_assert_eq(::mprotect(first_ + page * kFilePage, count * kFilePage, protection), 0);
  }

  std::byte* at(std::size_t page) const { return first_ + page * kFilePage; }
  std::uint64_t address(std::size_t page) const { return reinterpret_cast<std::uint64_t>(at(page)); }

 private:
  const std::size_t count_;
  std::byte* first_ = nullptr;
};

inline UniqueFd own_folder() { return UniqueFd(::open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC)); }

}  // namespace anchor::unit
