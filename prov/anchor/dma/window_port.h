// SPDX-License-Identifier: BSD-2-Clause
// Ports of a window's memory that ShmPort will not do for: write-combined, or cached by hosts that do not know of each
// other's caches; and for tests.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "dma/port.h"
#include "dma/shm_port.h"
#include "os/processor_cache.h"
#include "os/small_copy.h"

namespace anchor {

// Coherent memory that tells of accesses (checked_memory.h), each instruction's by a trap: a copy is as few of them as
// can be.
struct CheckedPort : ShmPort {
  static void put(void* to, const void* from, std::size_t size) noexcept {
    if (size <= kSmallCopy) return small_copy(to, from, size);
    std::memcpy(to, from, size);
  }
};
static_assert(Port<CheckedPort>);

// Stores wait in the processor's buffers and leave them in any order, those to one line in several parts as well: so a
// word is fenced off from what comes before it, even in its own line. Behind it stands another fence, as it would
// otherwise wait for its buffer to be needed.
struct WriteCombinedPort {
  static constexpr bool kCoherent = true;

  static void put(void* to, const void* from, std::size_t size) noexcept { ShmPort::put(to, from, size); }
  static void stream(void* to, const void* from, std::size_t size) noexcept { ShmPort::stream(to, from, size); }
  static void written(const void*, std::size_t) noexcept {}

  // R1
  static void publish(std::atomic<std::uint64_t>& word, std::uint64_t value) noexcept {
    ProcessorCache::fence();
    word.store(value, std::memory_order_release);
    ProcessorCache::fence();
  }
  static void hint(std::atomic<std::uint64_t>& word, std::uint64_t value) noexcept { ShmPort::hint(word, value); }
  // A1. Loads of such memory may overtake each other.
  static std::uint64_t load(const std::atomic<std::uint64_t>& word) noexcept {
    const std::uint64_t value = word.load(std::memory_order_acquire);
    ProcessorCache::order_loads();
    return value;
  }
  static void refresh(const void*, std::size_t) noexcept {}
};
static_assert(Port<WriteCombinedPort>);

// A line goes to memory as a whole, whenever the processor likes, and once we say so. So the order of stores within one
// line is kept, by whatever is written back; between lines it is made: bytes that lie in others are written back, and
// fenced, before the word is stored. A reader drops its copy of a line before each look. Every line has one writer, or
// it would carry the other's bytes back to what they were.
template <class Cache>
struct NonCoherentPort {
  static constexpr bool kCoherent = false;

  static void put(void* to, const void* from, std::size_t size) noexcept {
    ShmPort::put(to, from, size);
    Cache::stored(to, size);
  }
  static void stream(void* to, const void* from, std::size_t size) noexcept {
    ShmPort::stream(to, from, size);
    Cache::stored(to, size);
  }
  static void written(const void* from, std::size_t size) noexcept { Cache::write_back(from, size); }

  // R1
  static void publish(std::atomic<std::uint64_t>& word, std::uint64_t value) noexcept {
    Cache::fence();
    word.store(value, std::memory_order_release);
    Cache::stored(&word, sizeof word);
    Cache::write_back(&word, sizeof word);
    Cache::fence();
  }
  // Written back at once as well: a line that stays behind changed would be written some day, when it may be others'.
  static void hint(std::atomic<std::uint64_t>& word, std::uint64_t value) noexcept {
    word.store(value, std::memory_order_relaxed);
    Cache::write_back(&word, sizeof word);
    Cache::fence();
  }
  // A1
  static std::uint64_t load(const std::atomic<std::uint64_t>& word) noexcept {
    Cache::invalidate(&word, sizeof word);
    return word.load(std::memory_order_acquire);
  }
  static void refresh(const void* from, std::size_t size) noexcept { Cache::invalidate(from, size); }
};
static_assert(Port<NonCoherentPort<ProcessorCache>>);

}  // namespace anchor
