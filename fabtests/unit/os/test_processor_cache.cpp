// SPDX-License-Identifier: BSD-2-Clause
// That lines get to memory cannot be seen where caches are coherent, but that nothing is lost can.
#include <criterion/criterion.h>

#include <cstring>
#include <vector>

#include "os/cacheline.h"
#include "os/processor_cache.h"

using namespace anchor;

Test(processor_cache, loses_nothing) {
  std::vector<unsigned char> bytes(4 * kPageSize + 100);
  for (std::size_t offset : {std::size_t{0}, std::size_t{1}, kCacheLine - 1, kCacheLine, 3 * kCacheLine + 7})
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kCacheLine, kCacheLine + 1, 2 * kPageSize}) {
      const auto value = static_cast<unsigned char>(offset + size);
      std::memset(bytes.data() + offset, value, size);
      ProcessorCache::write_back(bytes.data() + offset, size);
      ProcessorCache::fence();
      std::memset(bytes.data() + offset, value + 1, size);
      ProcessorCache::invalidate(bytes.data() + offset, size);
      ProcessorCache::order_loads();
      for (std::size_t i = offset; i < offset + size; ++i)
        cr_assert_eq(bytes[i], static_cast<unsigned char>(value + 1));
    }
}

Test(processor_cache, is_known_on_this_processor) {
#if defined(__x86_64__)
  cr_assert(ProcessorCache::available());
#else
  cr_assert_not(ProcessorCache::available());
#endif
}
