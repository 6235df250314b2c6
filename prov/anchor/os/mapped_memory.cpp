// SPDX-License-Identifier: BSD-2-Clause
#include "os/mapped_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>

#include "os/cacheline.h"

namespace anchor {

// mincore(2) reports on one page a byte, and refuses what holds an unmapped page.
bool is_mapped(const void* address, std::size_t bytes) noexcept {
  constexpr std::size_t kPages = 1024;
  unsigned char resident[kPages];
  const auto first = reinterpret_cast<std::uintptr_t>(address);
  if (bytes == 0) return true;
  if (bytes - 1 > UINTPTR_MAX - first) return false;
  const std::uintptr_t last = (first + bytes - 1) / kPageSize;
  for (std::uintptr_t page = first / kPageSize; page <= last;) {
    const std::size_t count = std::min<std::size_t>(last - page + 1, kPages);
    if (::mincore(reinterpret_cast<void*>(page * kPageSize), count * kPageSize, resident) != 0) return false;
    page += count;
  }
  return true;
}

}  // namespace anchor
