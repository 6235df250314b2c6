// SPDX-License-Identifier: BSD-2-Clause
// Byte layout of the memory protection table (US10331613B2): what peers may reach of an endpoint's process, checked by
// whoever wants to. FORMAT.md is the prose of it; test_protection_layout.cpp pins every offset.
//
// The endpoint's owner is the only writer. A directory in the header leads to chunks, each twice as large as the one
// before, made when they are needed; nothing that a peer has mapped ever moves.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "fifo/fifo_layout.h"

namespace anchor {

enum ProtectionRight : std::uint32_t {
  kMayRead = 1,
  kMayWrite = 2,
};

// One piece of memory. A region of several segments has as many rows, one behind the other.
struct alignas(kCacheLine) ProtectionRow {
  // Odd while the row is given to another region or taken from one; grows each time, and when its memory was replaced.
  SharedWord sequence;
  SharedWord key;
  SharedWord base;     // what peers call the first byte
  SharedWord length;   // bytes
  SharedWord address;  // of the first byte in the owner's process
  SharedWord terms;    // RowTerms; 0: the row is free
  SharedWord place;    // where peers reach it by themselves, as the device has it (LocalRegion::place_of); 0: nowhere
  std::uint64_t reserved;
};
static_assert(sizeof(ProtectionRow) == kCacheLine);
static_assert(offsetof(ProtectionRow, key) == 8 && offsetof(ProtectionRow, base) == 16);
static_assert(offsetof(ProtectionRow, length) == 24 && offsetof(ProtectionRow, address) == 32);
static_assert(offsetof(ProtectionRow, terms) == 40 && offsetof(ProtectionRow, place) == 48);

// From the low bits up: rights (8), rights whose use the owner wants to be told of (8), rows of this region from this
// one on (8), number of this row in its region (8).
struct RowTerms {
  static constexpr std::uint64_t pack(std::uint32_t rights, std::uint32_t told, std::uint32_t rows,
                                      std::uint32_t number) noexcept {
    return rights | told << 8 | rows << 16 | std::uint64_t{number} << 24;
  }
  static constexpr std::uint32_t rights(std::uint64_t terms) noexcept { return terms & 0xff; }
  static constexpr std::uint32_t told(std::uint64_t terms) noexcept { return terms >> 8 & 0xff; }
  static constexpr std::uint32_t rows(std::uint64_t terms) noexcept { return terms >> 16 & 0xff; }
  static constexpr std::uint32_t number(std::uint64_t terms) noexcept { return terms >> 24 & 0xff; }
};

inline constexpr std::uint32_t kProtectionChunks = 16;
inline constexpr std::uint32_t kFirstChunkRows = 64;
inline constexpr std::uint32_t kMaxRegionRows = 4;

struct alignas(kCacheLine) ProtectionDirectory {
  SharedWord used;  // rows, from the first, that may be in use
  SharedWord told;  // rights whose use the owner wants to be told of, whatever the region
  std::uint64_t reserved[6];
  SharedWord chunks[kProtectionChunks];  // offset in the region; 0: not made yet
};
static_assert(sizeof(ProtectionDirectory) == 192 && offsetof(ProtectionDirectory, chunks) == 64);

constexpr std::uint32_t chunk_rows(std::uint32_t chunk) noexcept { return kFirstChunkRows << chunk; }
constexpr std::size_t chunk_bytes(std::uint32_t chunk) noexcept {
  return std::size_t{chunk_rows(chunk)} * sizeof(ProtectionRow);
}
// Number of the first row of a chunk, which is also how many there are in those before it.
constexpr std::uint32_t chunk_start(std::uint32_t chunk) noexcept { return kFirstChunkRows * ((1u << chunk) - 1); }
constexpr std::uint32_t chunk_of(std::uint32_t row) noexcept {
  return static_cast<std::uint32_t>(std::bit_width(row / kFirstChunkRows + 1) - 1);
}
inline constexpr std::uint32_t kMaxRows = chunk_start(kProtectionChunks);
static_assert(chunk_bytes(0) == kPageSize);

}  // namespace anchor
