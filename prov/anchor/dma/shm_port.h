// SPDX-License-Identifier: BSD-2-Clause
// Port of host memory: plain stores, ordered by the release of the published word.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "dma/port.h"
#include "os/small_copy.h"
#include "os/streaming_copy.h"
#include "os/vector_copy.h"

namespace anchor {

struct ShmPort {
  static constexpr bool kCoherent = true;

  static void put(void* to, const void* from, std::size_t size) noexcept {
    if (size <= kSmallCopy) return small_copy(to, from, size);
    if (size >= kLeastVectorCopy && size <= kMostVectorCopy) return vector_copy(to, from, size);
    std::memcpy(to, from, size);
  }
  static void stream(void* to, const void* from, std::size_t size) noexcept { streaming_copy(to, from, size); }
  static void written(const void*, std::size_t) noexcept {}

  // R1, paired with A1 in load(): without it a reader could see the new sequence number and old message bytes.
  static void publish(std::atomic<std::uint64_t>& word, std::uint64_t value) noexcept {
    word.store(value, std::memory_order_release);
  }
  static void hint(std::atomic<std::uint64_t>& word, std::uint64_t value) noexcept {
    word.store(value, std::memory_order_relaxed);
  }
  // A1
  static std::uint64_t load(const std::atomic<std::uint64_t>& word) noexcept {
    return word.load(std::memory_order_acquire);
  }
  static void refresh(const void*, std::size_t) noexcept {}
};
static_assert(Port<ShmPort>);

}  // namespace anchor
