// SPDX-License-Identifier: BSD-2-Clause
// The anchor record: table of contents at the start of every region (US10331613B2, US10592464B2). A peer retrieves it
// once, validates it, and works from its private copy.
//
// The owner fills a zeroed record and release-stores `version` last; a reader that finds version 0 is too early. When
// it closes the endpoint it stores 0 there again: so who finds the region dead can tell that from a crash.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dma/device.h"
#include "fifo/fifo_layout.h"
#include "fifo/protection_layout.h"
#include "os/endpoint_name.h"

namespace anchor {

struct alignas(kCacheLine) AnchorRecord {
  std::uint64_t magic;
  std::atomic<std::uint32_t> version;
  std::uint32_t length;       // sizeof(AnchorRecord) of the owner
  std::uint64_t incarnation;  // random: tells one owner of a name from the next
  std::uint64_t header_size;  // record, sleep line, contact table and board: what a peer maps
  EndpointName owner;
  std::uint64_t contact_offset;
  std::uint32_t contact_count;
  std::uint32_t contact_stride;
  std::uint64_t notification_offset;
  std::uint32_t notification_count;
  std::uint32_t notification_stride;
  std::uint64_t protection_table_offset;  // of the ProtectionDirectory; 0: no remote memory access is served
  std::uint64_t protection_table_count;   // of chunks that it has room for
  DirectCopyOffer direct_copy;
  std::uint64_t sleep_offset;  // of the SleepLine
  std::uint64_t reserved[3];
};
static_assert(sizeof(AnchorRecord) == 256);
static_assert(offsetof(AnchorRecord, version) == 8 && offsetof(AnchorRecord, owner) == 32);
static_assert(offsetof(AnchorRecord, contact_offset) == 96 && offsetof(AnchorRecord, direct_copy) == 144);

inline constexpr std::uint64_t kAnchorMagic = 0x31524f48434e41ull;  // "ANCHOR1" in memory order

// The part of a record that its reader uses, checked.
struct AnchorContents {
  std::uint64_t incarnation;
  EndpointName owner;
  std::uint64_t header_size;
  std::uint64_t contact_offset;
  std::uint32_t contact_count;
  std::uint64_t notification_offset;
  std::uint32_t notification_count;
  std::uint32_t notification_stride;
  std::uint64_t protection_offset;  // 0: none
  std::uint32_t protection_chunks;
  DirectCopyOffer direct_copy;
  std::uint64_t sleep_offset;
};

// Sizes of our own header.
inline constexpr std::uint32_t kMaxPeers = 4096;
inline constexpr std::uint32_t kNotifications = kContactEntries + kMaxPeers;
inline constexpr std::size_t kSleepOffset = 512;  // in the record's page, two lines from what all peers read once
inline constexpr std::size_t kContactOffset = kPageSize;
inline constexpr std::size_t kNotificationOffset =
    kContactOffset + round_up(kContactEntries * sizeof(ContactEntry), kPageSize);
inline constexpr std::size_t kProtectionOffset = kNotificationOffset + round_up(kNotifications, kCacheLine);
inline constexpr std::size_t kHeaderSize = round_up(kProtectionOffset + sizeof(ProtectionDirectory), kPageSize);

// Where the board lies, and how large the header is then.
struct BoardLayout {
  std::uint64_t offset;
  std::uint32_t count;
  std::uint32_t stride;
  std::uint64_t header_size;

  constexpr std::size_t bytes() const noexcept { return round_up(std::size_t{count} * stride, kCacheLine); }
};
inline constexpr BoardLayout kDenseBoard{kNotificationOffset, kNotifications, 1, kHeaderSize};
// A line for each writer. As many as let the header stay below a window's data, whatever the number of its hosts, so
// that it is told from them by its offsets.
inline constexpr std::uint32_t kSpreadNotifications = 384;
inline constexpr BoardLayout kSpreadBoard{kHeaderSize, kSpreadNotifications, kCacheLine,
                                          kHeaderSize + kSpreadNotifications* kCacheLine};

constexpr const BoardLayout& board_layout(MemoryType memory) noexcept {
  return writes_whole_lines(memory) ? kSpreadBoard : kDenseBoard;
}

// Fills the record of a region of ours and makes it valid: from then on peers ask us, and read our protection table.
void publish_anchor_record(std::byte* header, const EndpointName& owner, std::uint64_t incarnation,
                           const DirectCopyOffer& offer, MemoryType memory) noexcept;

// Takes the record of a region of ours back, which is about to go.
void withdraw_anchor_record(std::byte* header, MemoryType memory) noexcept;
// Whether the owner has done so. `header`: its first page as we mapped it. Requires: a record was read there before.
bool anchor_record_withdrawn(const std::byte* header, MemoryType memory) noexcept;

// Stage one: what the first page says. -EAGAIN: not published yet, or withdrawn. -EPROTO: not a record we understand
// (another version, offsets outside of its own header, wrong owner); the reason is logged.
int read_anchor_record(const std::byte* first_page, const EndpointName& expected_owner, MemoryType memory,
                       AnchorContents* contents) noexcept;

}  // namespace anchor
