// SPDX-License-Identifier: BSD-2-Clause
#include "os/processor_cache.h"

#include <atomic>
#include <cstdint>

#include "os/cacheline.h"
#include "os/processor_features.h"

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace anchor {

#if defined(__x86_64__)

namespace {

// By name: the compiler's own functions for them want a processor that is sure to have them.
void clwb(const char* line) noexcept { asm volatile("clwb %0" : : "m"(*line) : "memory"); }
void clflushopt(const char* line) noexcept { asm volatile("clflushopt %0" : : "m"(*line) : "memory"); }
void clflush(const char* line) noexcept { _mm_clflush(line); }

template <class Act>
void for_each_line(const void* from, std::size_t bytes, Act&& act) noexcept {
  const auto end = reinterpret_cast<std::uintptr_t>(from) + bytes;
  auto line = reinterpret_cast<std::uintptr_t>(from) / kCacheLine * kCacheLine;
  for (; line < end; line += kCacheLine) act(reinterpret_cast<const char*>(line));
}

}  // namespace

bool ProcessorCache::available() noexcept { return true; }

void ProcessorCache::write_back(const void* from, std::size_t bytes) noexcept {
  const ProcessorFeatures& has = processor_features();
  if (has.clwb) return for_each_line(from, bytes, clwb);
  if (has.clflushopt) return for_each_line(from, bytes, clflushopt);
  for_each_line(from, bytes, clflush);
}

void ProcessorCache::fence() noexcept { _mm_sfence(); }

// The first fence keeps the lines until earlier stores are in them, which clflushopt does not wait for; the second
// keeps later loads, which wait for neither instruction.
void ProcessorCache::invalidate(const void* from, std::size_t bytes) noexcept {
  if (processor_features().clflushopt) {
    _mm_mfence();
    for_each_line(from, bytes, clflushopt);
  } else {
    for_each_line(from, bytes, clflush);
  }
  _mm_mfence();
}

void ProcessorCache::order_loads() noexcept { _mm_lfence(); }

#else

bool ProcessorCache::available() noexcept { return false; }
void ProcessorCache::write_back(const void*, std::size_t) noexcept {}
void ProcessorCache::fence() noexcept { std::atomic_thread_fence(std::memory_order_seq_cst); }
void ProcessorCache::invalidate(const void*, std::size_t) noexcept {}
void ProcessorCache::order_loads() noexcept { std::atomic_thread_fence(std::memory_order_acquire); }

#endif

}  // namespace anchor
