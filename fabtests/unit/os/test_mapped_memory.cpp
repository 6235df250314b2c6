// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <sys/mman.h>

#include <cstdint>

#include "os/cacheline.h"
#include "os/mapped_memory.h"

using namespace anchor;

Test(mapped_memory, pages_with_a_gap) {
  auto* pages = static_cast<char*>(mmap(reinterpret_cast<void*>(0x10'0000'0000), 3 * kPageSize, PROT_READ | PROT_WRITE,
                                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
  cr_assert_neq(static_cast<void*>(pages), MAP_FAILED);
  cr_assert(is_mapped(pages, 3 * kPageSize));
  cr_assert_eq(munmap(pages + kPageSize, kPageSize), 0);
  cr_assert(is_mapped(pages, kPageSize));
  cr_assert(is_mapped(pages + 2 * kPageSize, kPageSize));
  cr_assert_not(is_mapped(pages + kPageSize - 1, 2));
  cr_assert_not(is_mapped(pages + 2 * kPageSize - 1, 2));
  cr_assert_not(is_mapped(pages, 3 * kPageSize));
  cr_assert(is_mapped(pages + kPageSize, 0));
}

Test(mapped_memory, more_than_is_looked_at_in_one_go) {
  constexpr std::size_t kSize = 64u << 20;
  void* memory = mmap(nullptr, kSize, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  cr_assert(is_mapped(memory, kSize));
}

Test(mapped_memory, odd_addresses) {
  cr_assert_not(is_mapped(nullptr, 1));
  cr_assert_not(is_mapped(reinterpret_cast<void*>(UINTPTR_MAX), 1));
  cr_assert_not(is_mapped(reinterpret_cast<void*>(UINTPTR_MAX - 10), 100));
  const char here = 0;
  cr_assert(is_mapped(&here, 1));
}
