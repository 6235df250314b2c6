// SPDX-License-Identifier: BSD-2-Clause
#include "failing_memory.h"

#include <cstddef>
#include <new>

namespace anchor::test {

bool memory_exhausted = false;

}  // namespace anchor::test

// The replacement that [new.delete.array] allows for.
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  if (anchor::test::memory_exhausted) return nullptr;
  try {
    return ::operator new[](size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
