// SPDX-License-Identifier: BSD-2-Clause
// Byte layout of a window's partition, the memory that one host lets the others reach. FORMAT.md is the prose of it;
// fabtests/unit/dma/test_window_layout.cpp pins every offset: if it fails, raise kWindowVersion.
//
//     header        written by the partition's own host, as is the
//     directory     of its endpoints: names, lives, where their regions begin
//     neighbours    a page for each host, written by that host alone: its heartbeat, who lives and who sleeps there,
//                   which of our slots it still uses, and how it is rung
//     data          endpoints' headers and FIFO blocks, and domains' memory, in pages; who writes a line there is the
//                   FIFO's affair, or that of who registers the memory
//
// Where everything lies follows from number of hosts and size alone, which both sides know from their configuration.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "dma/window_config.h"
#include "os/cacheline.h"

namespace anchor {

inline constexpr std::uint64_t kWindowMagic = 0x3157524f48434e41ull;  // "ANCHORW1" in memory order
inline constexpr std::uint32_t kWindowVersion = 3;
inline constexpr std::uint32_t kWindowSlots = 256;  // endpoints of a host
// Those that own pages: a slot for each endpoint, then one for each domain that has memory of its own.
inline constexpr std::uint32_t kMemorySlots = 256;
inline constexpr std::uint32_t kOwningSlots = kWindowSlots + kMemorySlots;

using WindowWord = std::atomic<std::uint64_t>;
static_assert(WindowWord::is_always_lock_free && sizeof(WindowWord) == 8);
using SleepWord = std::atomic<std::uint32_t>;
static_assert(SleepWord::is_always_lock_free && sizeof(SleepWord) == 4);

struct alignas(kWriterSpacing) PartitionHeader {
  std::uint64_t magic;
  std::atomic<std::uint32_t> version;  // stored last
  std::uint32_t length;                // sizeof(PartitionHeader)
  std::uint32_t host;
  std::uint32_t hosts;
  std::uint64_t size;
  WindowWord generation;  // random: another one whenever the host has begun anew
  WindowWord machine;     // tells two machines apart that both take themselves for this host
  WindowWord beat;        // counts as the neighbours' do
  std::uint64_t reserved[9];
};
static_assert(sizeof(PartitionHeader) == 128 && offsetof(PartitionHeader, generation) == 32);

struct alignas(kWriterSpacing) DirectoryEntry {
  WindowWord life;  // random, stored last; 0: nobody
  WindowWord header_offset;
  WindowWord header_size;
  WindowWord name[8];  // the 64 bytes of an EndpointName
  std::uint64_t reserved[5];
};
static_assert(sizeof(DirectoryEntry) == 128 && offsetof(DirectoryEntry, name) == 24);

inline constexpr std::size_t kHeldWords = kOwningSlots / 64;

// What one host tells another one, in the other one's partition.
struct alignas(kPageSize) NeighbourPage {
  WindowWord beat;              // grows with each heartbeat, across boots too; stored last
  WindowWord generation;        // of the host that writes
  WindowWord held[kHeldWords];  // a bit for each slot of the reader's that the writer's processes may still write to
  WindowWord doorbell;          // of the host that writes, a DoorbellWord
  std::uint64_t reserved[5];
  WindowWord lives[kWindowSlots];  // of the writer's directory
  // Of the writer's endpoints: odd while one sleeps, another number each time, somewhere from a random one on.
  SleepWord sleeps[kWindowSlots];
  std::uint64_t padding[(kPageSize - 128) / 8 - kWindowSlots - kWindowSlots / 2];
};
static_assert(sizeof(NeighbourPage) == kPageSize && offsetof(NeighbourPage, doorbell) == 80 &&
              offsetof(NeighbourPage, lives) == 128 && offsetof(NeighbourPage, sleeps) == 2176);

inline constexpr std::size_t kDirectoryOffset = kPageSize;
inline constexpr std::size_t kNeighboursOffset = kDirectoryOffset + kWindowSlots * sizeof(DirectoryEntry);
static_assert(kNeighboursOffset % kPageSize == 0);

constexpr std::uint64_t data_offset(std::size_t hosts) noexcept {
  return kNeighboursOffset + hosts * sizeof(NeighbourPage);
}

// What is no data takes a percent at most of the smallest partition, in whole mebibytes, and less of any other.
constexpr std::uint64_t least_partition(std::size_t hosts) noexcept {
  return round_up(100 * data_offset(hosts), std::uint64_t{1} << 20);
}
inline constexpr std::uint64_t kMostPartition = std::uint64_t{1} << 40;

// What a host says of interrupts from and to it. `kThere`: it has a doorbell, and the low 32 bits are what is stored to
// another host's device to ring it. `kAllRing`: whichever of its processes have endpoints can ring those of others, so
// that sleepers elsewhere need not look for what comes from here.
struct DoorbellWord {
  static constexpr std::uint64_t kThere = std::uint64_t{1} << 32;
  static constexpr std::uint64_t kAllRing = std::uint64_t{1} << 33;
  static constexpr std::uint64_t make(std::uint32_t ring) noexcept { return kThere | ring; }
  // Any other bit makes it the word of somebody who says something else: no doorbell.
  static constexpr bool is_there(std::uint64_t word) noexcept { return (word & ~kAllRing) >> 32 == kThere >> 32; }
  static constexpr bool all_ring(std::uint64_t word) noexcept { return (word & kAllRing) != 0; }
  static constexpr std::uint32_t ring(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word); }
};

// What a row of the protection table says of memory that peers may store to by themselves: whose it is, and where it
// lies in its host's partition. 0: no such memory, for no data lie at the partition's start.
struct WindowMemoryPlace {
  static constexpr unsigned kSlotShift = 48;
  static constexpr std::uint64_t pack(std::uint32_t slot, std::uint64_t offset) noexcept {
    return std::uint64_t{slot} << kSlotShift | offset;
  }
  static constexpr std::uint32_t slot(std::uint64_t place) noexcept {
    return static_cast<std::uint32_t>(place >> kSlotShift);
  }
  static constexpr std::uint64_t offset(std::uint64_t place) noexcept {
    return place & ((std::uint64_t{1} << kSlotShift) - 1);
  }
};
static_assert(kMostPartition <= std::uint64_t{1} << WindowMemoryPlace::kSlotShift);

inline PartitionHeader* partition_header(std::byte* base) noexcept { return reinterpret_cast<PartitionHeader*>(base); }
inline DirectoryEntry* directory_entry(std::byte* base, std::uint32_t slot) noexcept {
  return reinterpret_cast<DirectoryEntry*>(base + kDirectoryOffset) + slot;
}
inline NeighbourPage* neighbour_page(std::byte* base, std::uint32_t writer) noexcept {
  return reinterpret_cast<NeighbourPage*>(base + kNeighboursOffset) + writer;
}

}  // namespace anchor
