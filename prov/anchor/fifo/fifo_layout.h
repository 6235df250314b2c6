// SPDX-License-Identifier: BSD-2-Clause
// Byte layout of a FIFO block, of the contact table and of the notification board. FORMAT.md is the prose of it;
// fabtests/unit/fifo/test_fifo_layout.cpp pins every offset: if it fails, raise kFormatVersion.
//
// A block lies in its reader's region and is granted to one peer. The peer is the only writer of every line of it, but
// for two words:
//
//     line 0   StatusLine    what the peer says of itself, and the gate: seldom changes
//     line 1   ProgressLine  what it has done, and the share
//     line 2.. slots         the ring
//     then     payload area  bytes of messages too large for a slot
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "os/cacheline.h"
#include "os/endpoint_name.h"

namespace anchor {

inline constexpr std::uint32_t kFormatVersion = 9;

using SharedWord = std::atomic<std::uint64_t>;
static_assert(SharedWord::is_always_lock_free && sizeof(SharedWord) == 8);

inline constexpr std::size_t kInlineSize = 40;

// One place of the ring. `head` is written last; it holds, from the low bits up: length (16), flags (8), operation (8)
// and the low 32 bits of the head pointer that makes this slot visible. A slot's former head always differs in those 32
// bits, and no user data ever stands in its place, so stale bytes cannot pass for a new slot.
struct alignas(kCacheLine) Slot {
  SharedWord head;
  std::uint64_t tag;
  std::uint64_t data;
  std::uint64_t body[kInlineSize / 8];
};
static_assert(sizeof(Slot) == kCacheLine);
static_assert(offsetof(Slot, tag) == 8 && offsetof(Slot, data) == 16 && offsetof(Slot, body) == 24);

struct SlotHead {
  // What the sender says of the message.
  static constexpr std::uint32_t kind(std::uint8_t operation, std::uint8_t flags, std::uint16_t length) noexcept {
    return std::uint32_t{operation} << 24 | std::uint32_t{flags} << 16 | length;
  }
  static constexpr std::uint64_t pack(std::uint32_t position, std::uint32_t kind) noexcept {
    return std::uint64_t{position} << 32 | kind;
  }
  static constexpr std::uint32_t position(std::uint64_t head) noexcept {
    return static_cast<std::uint32_t>(head >> 32);
  }
  static constexpr std::uint8_t operation(std::uint64_t head) noexcept { return static_cast<std::uint8_t>(head >> 24); }
  static constexpr std::uint8_t flags(std::uint64_t head) noexcept { return static_cast<std::uint8_t>(head >> 16); }
  static constexpr std::uint16_t length(std::uint64_t head) noexcept { return static_cast<std::uint16_t>(head); }
};

// What the peer says of itself, and the gate. Looked at with every message: nothing may stand here that changes with
// messages (FORMAT.md, "The FIFO block").
struct alignas(kCacheLine) StatusLine {
  SharedWord polled;   // 1: the FIFO is polled directly; 0: ring the notification board after publishing
  SharedWord starved;  // 1: the peer waits for credits; ring its board after returning some
  SharedWord table;    // counts the changes of the peer's protection table that matter to copies of it; 0: none
  SharedWord gate;     // written by both, mostly by the block's owner: whose turn it is (gate.h)
  std::uint64_t reserved[4];
};
static_assert(sizeof(StatusLine) == kCacheLine);

// What the peer has done.
struct alignas(kCacheLine) ProgressLine {
  SharedWord tail;    // slots consumed so far, low 32 bits significant
  SharedWord costs;   // what reading the payload area takes the peer: CopyCosts (copy_choice.h)
  SharedWord pulled;  // how far it has copied a long message, from the end: pulled_word() (message.h); a hint
  SharedWord share;   // written by both: who copies which pieces of a read or write of the peer's (share.h)
  SharedWord report;  // what the peer has copied of one of ours
  std::uint64_t reserved[3];
};
static_assert(sizeof(ProgressLine) == kCacheLine);

// Every block begins with it. What a peer says of the FIFO that we write stands in the block that we read.
struct BlockHead {
  StatusLine status;
  ProgressLine progress;
};
static_assert(sizeof(BlockHead) == std::size_t{2} * kCacheLine);

inline BlockHead& block_head(std::byte* block) noexcept { return *reinterpret_cast<BlockHead*>(block); }

// In the header of every region, written by its owner: whether it sleeps. See sleep_line.h.
struct alignas(kCacheLine) SleepLine {
  SharedWord epoch;  // odd: the owner sleeps, or is about to, and is woken through its wait object; even: awake
  std::uint64_t reserved[7];
};
static_assert(sizeof(SleepLine) == kCacheLine);

struct BlockGeometry {
  std::uint32_t slot_count;     // a power of two
  std::uint32_t payload_bytes;  // a multiple of 64, at most kMaxPayloadArea

  constexpr std::size_t slots_offset() const noexcept { return sizeof(BlockHead); }
  constexpr std::size_t payload_offset() const noexcept {
    return slots_offset() + std::size_t{slot_count} * sizeof(Slot);
  }
  constexpr std::size_t size() const noexcept { return round_up(payload_offset() + payload_bytes, kPageSize); }
  // A message of half the area fits whatever the position of the ring, once the reader has caught up.
  constexpr std::size_t max_payload() const noexcept { return payload_bytes / 2 / kCacheLine * kCacheLine; }
};

inline constexpr std::uint32_t kMinSlots = 16;
inline constexpr std::uint32_t kMaxSlots = 1u << 16;
// A message can be as long as an atomic operation with as much to compare with, and its list of targets.
inline constexpr std::uint32_t kMinPayloadArea = 2 * (2 * 4096 + 128);
inline constexpr std::uint32_t kMaxPayloadArea = 120u << 10;  // so that max_payload() fits the slot's 16-bit length

// A payload area of its own, that takes the place of a block's for those who send much.
inline constexpr std::uint32_t kLargeArea = kMaxPayloadArea / kPageSize * kPageSize;

constexpr bool valid_area(std::uint64_t bytes) noexcept {
  return bytes % kCacheLine == 0 && bytes >= kMinPayloadArea && bytes <= kMaxPayloadArea;
}

constexpr bool valid(const BlockGeometry& g) noexcept {
  return is_power_of_two(g.slot_count) && g.slot_count >= kMinSlots && g.slot_count <= kMaxSlots &&
         valid_area(g.payload_bytes);
}

// Where a block lies in its owner's region and which byte of the owner's notification board belongs to it.
struct BlockDescriptor {
  std::uint64_t offset;
  std::uint32_t slot_count;
  std::uint32_t payload_bytes;
  std::uint32_t notification;
  std::uint32_t reserved;

  bool operator==(const BlockDescriptor&) const = default;
};
static_assert(sizeof(BlockDescriptor) == 24);

// First contact: a peer that owns entry i (by a kernel-held lock) says who it is and which block it grants.
struct alignas(kWriterSpacing) ContactEntry {
  SharedWord state;  // 0: empty; else a number that changes with each request, stored last
  std::uint64_t requester_incarnation;
  EndpointName requester;
  BlockDescriptor block;
  std::uint64_t reserved[3];
};
static_assert(sizeof(ContactEntry) == 128);
static_assert(offsetof(ContactEntry, requester) == 16 && offsetof(ContactEntry, block) == 80);

inline constexpr std::uint32_t kContactEntries = 64;

}  // namespace anchor
