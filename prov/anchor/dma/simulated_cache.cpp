// SPDX-License-Identifier: BSD-2-Clause
#include "dma/simulated_cache.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "dma/simulated_memory.h"
#include "os/cacheline.h"
#include "os/random_identity.h"

namespace anchor {
namespace {

constexpr std::size_t kMostPending = 256;
constexpr std::size_t kRecent = 64;
// One time in so many.
constexpr unsigned kWrittenAtOnce = 4;
constexpr unsigned kStoredAndEvicted = 8;
constexpr unsigned kOtherDropped = 8;

struct Adversary {
  std::uint64_t random = 0;
  std::size_t pending_count = 0;
  std::uintptr_t pending[kMostPending];  // lines that are on their way to memory
  std::uintptr_t recent[kRecent];        // lines that may be dropped at any time

  std::uint64_t next() noexcept {
    if (random == 0) random = random_identity() | 1;
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    return random;
  }
  bool one_in(unsigned times) noexcept { return next() % times == 0; }
};

thread_local Adversary adversary;

void write_line(std::uintptr_t line) noexcept { SimulatedMemory::write_back(reinterpret_cast<const void*>(line)); }
void drop_line(std::uintptr_t line) noexcept { SimulatedMemory::renew(reinterpret_cast<const void*>(line)); }

void write_some_pending() noexcept {
  Adversary& a = adversary;
  const std::size_t chosen = a.next() % a.pending_count;
  write_line(std::exchange(a.pending[chosen], a.pending[a.pending_count - 1]));
  --a.pending_count;
}

void note(std::uintptr_t line) noexcept { adversary.recent[adversary.next() % kRecent] = line; }

// All lines of the range, in a random order: once round, from somewhere on, either way.
template <class Act>
void for_each_line(const void* from, std::size_t bytes, Act&& act) noexcept {
  if (bytes == 0) return;
  const std::uintptr_t first = reinterpret_cast<std::uintptr_t>(from) / kCacheLine;
  const std::uintptr_t last = (reinterpret_cast<std::uintptr_t>(from) + bytes - 1) / kCacheLine;
  const std::uintptr_t count = last - first + 1;
  const std::uintptr_t start = adversary.next() % count;
  const bool backwards = adversary.one_in(2);
  for (std::uintptr_t i = 0; i < count; ++i) act((first + (start + (backwards ? count - i : i)) % count) * kCacheLine);
}

}  // namespace

void SimulatedCache::write_back(const void* from, std::size_t bytes) noexcept {
  for_each_line(from, bytes, [](std::uintptr_t line) {
    note(line);
    if (adversary.one_in(kWrittenAtOnce)) return write_line(line);
    if (adversary.pending_count == kMostPending) write_some_pending();
    adversary.pending[adversary.pending_count++] = line;
  });
}

void SimulatedCache::fence() noexcept {
  while (adversary.pending_count != 0) write_some_pending();
}

void SimulatedCache::invalidate(const void* from, std::size_t bytes) noexcept {
  for_each_line(from, bytes, drop_line);
  if (adversary.one_in(kOtherDropped)) drop_line(adversary.recent[adversary.next() % kRecent]);
}

void SimulatedCache::stored(const void* to, std::size_t bytes) noexcept {
  if (bytes == 0) return;
  const std::uintptr_t line =
      (reinterpret_cast<std::uintptr_t>(to) + adversary.next() % bytes) / kCacheLine * kCacheLine;
  note(line);
  if (adversary.one_in(kStoredAndEvicted)) drop_line(line);
}

}  // namespace anchor
