// SPDX-License-Identifier: BSD-2-Clause
// A file and a guarded mapping of it.
#pragma once

#include <criterion/criterion.h>
#include <fcntl.h>

#include "os/guarded_mapping.h"
#include "os/unique_fd.h"
#include "scratch_directory.h"

namespace anchor::unit {

inline constexpr std::size_t kBytes = 16384;

struct Guarded {
  explicit Guarded(const ScratchDirectory& scratch, std::size_t size = kBytes)
      : file(::open(scratch.path().c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)) {
    cr_assert_eq(::ftruncate(file.get(), static_cast<off_t>(size)), 0);
    cr_assert_eq(map_guarded(file.get(), 0, kBytes, &lost, &address), 0);
  }
  ~Guarded() { unmap_guarded(address, kBytes, &lost); }
  volatile char& at(std::size_t offset) const { return reinterpret_cast<volatile char*>(address)[offset]; }
  void cut() const { cr_assert_eq(::ftruncate(file.get(), 0), 0); }

  UniqueFd file;
  LostFlag lost{false};
  std::byte* address = nullptr;
};

}  // namespace anchor::unit
