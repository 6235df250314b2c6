// SPDX-License-Identifier: BSD-2-Clause
#include "fifo/anchor_record.h"

#include <cerrno>
#include <cstring>

#include "os/log.h"

namespace anchor {
namespace {

// Largest header a peer may ask us to map: ten times ours leaves room for later versions.
constexpr std::uint64_t kMaxHeaderSize = 10 * kHeaderSize;

bool within_header(std::uint64_t offset, std::uint64_t count, std::uint64_t stride, std::uint64_t header_size) {
  // count and stride are 32-bit values: the product cannot overflow.
  return offset >= sizeof(AnchorRecord) && offset <= header_size && count * stride <= header_size - offset;
}

bool serves_memory(const AnchorRecord& record) { return record.protection_table_offset != 0; }

bool directory_fits(const AnchorRecord& record) {
  const std::uint64_t offset = record.protection_table_offset;
  const std::uint64_t chunks = record.protection_table_count;
  return offset % alignof(ProtectionDirectory) == 0 && chunks != 0 && chunks <= kProtectionChunks &&
         within_header(offset, 1, sizeof(ProtectionDirectory), record.header_size);
}

int refuse(const char* what, std::uint64_t value, const EndpointName& owner) {
  ANCHOR_WARN(
      kEndpoint,
      "anchor record of %s refused: %s (value %#llx); the peer runs another version of anchor or its region is damaged",
      owner.bytes.data(), what, static_cast<unsigned long long>(value));
  return -EPROTO;
}

}  // namespace

void publish_anchor_record(std::byte* header, const EndpointName& owner, std::uint64_t incarnation,
                           const DirectCopyOffer& offer, MemoryType memory) noexcept {
  const BoardLayout& board = board_layout(memory);
  auto* record = reinterpret_cast<AnchorRecord*>(header);
  record->magic = kAnchorMagic;
  record->length = sizeof(AnchorRecord);
  record->incarnation = incarnation;
  record->header_size = board.header_size;
  record->owner = owner;
  record->contact_offset = kContactOffset;
  record->contact_count = kContactEntries;
  record->contact_stride = sizeof(ContactEntry);
  record->notification_offset = board.offset;
  record->notification_count = board.count;
  record->notification_stride = board.stride;
  record->protection_table_offset = kProtectionOffset;
  record->protection_table_count = kProtectionChunks;
  record->direct_copy = offer;
  record->sleep_offset = kSleepOffset;
  push(memory, record, sizeof *record);
  // R2, paired with A2: a reader that sees the version sees the whole record, and the table.
  record->version.store(kFormatVersion, std::memory_order_release);
  push(memory, &record->version, sizeof record->version);
}

// Relaxed, and the look: who looks has found the owner gone before, by its lock or its life (A12).
void withdraw_anchor_record(std::byte* header, MemoryType memory) noexcept {
  auto* record = reinterpret_cast<AnchorRecord*>(header);
  record->version.store(0, std::memory_order_relaxed);
  push(memory, &record->version, sizeof record->version);
}

// Without the magic it was somebody else who made it 0.
bool anchor_record_withdrawn(const std::byte* header, MemoryType memory) noexcept {
  const auto* record = reinterpret_cast<const AnchorRecord*>(header);
  refresh(memory, &record->version, sizeof record->version);
  return record->version.load(std::memory_order_relaxed) == 0 && record->magic == kAnchorMagic;
}

int read_anchor_record(const std::byte* first_page, const EndpointName& expected_owner, MemoryType memory,
                       AnchorContents* contents) noexcept {
  const auto* shared = reinterpret_cast<const AnchorRecord*>(first_page);
  const std::uint32_t version = shared->version.load(std::memory_order_acquire);  // A2
  if (version == 0) return -EAGAIN;
  refresh(memory, first_page, sizeof(AnchorRecord));  // what was there before the version may have been fetched with it

  // One private copy: what is checked below is what is used later, whatever the owner writes meanwhile.
  alignas(AnchorRecord) std::byte copy[sizeof(AnchorRecord)];
  std::memcpy(copy, first_page, sizeof copy);
  const auto& record = *reinterpret_cast<const AnchorRecord*>(copy);

  if (record.magic != kAnchorMagic) return refuse("wrong magic", record.magic, expected_owner);
  if (version != kFormatVersion) return refuse("unknown version", version, expected_owner);
  if (record.length != sizeof(AnchorRecord)) return refuse("wrong record length", record.length, expected_owner);
  if (record.owner != expected_owner) return refuse("owner has another name", record.incarnation, expected_owner);
  if (record.header_size < kPageSize || record.header_size > kMaxHeaderSize || record.header_size % kPageSize != 0)
    return refuse("header size out of range", record.header_size, expected_owner);
  if (record.contact_stride != sizeof(ContactEntry) || record.contact_offset % alignof(ContactEntry) != 0 ||
      record.contact_count == 0 || record.contact_count > kContactEntries ||
      !within_header(record.contact_offset, record.contact_count, record.contact_stride, record.header_size))
    return refuse("contact table outside of the header", record.contact_offset, expected_owner);
  if ((record.notification_stride != 1 && record.notification_stride != kCacheLine) ||
      record.notification_count < record.contact_count ||
      !within_header(record.notification_offset, record.notification_count, record.notification_stride,
                     record.header_size))
    return refuse("notification board outside of the header", record.notification_offset, expected_owner);
  if (serves_memory(record) && !directory_fits(record))
    return refuse("protection table outside of the header", record.protection_table_offset, expected_owner);
  if (record.sleep_offset % alignof(SleepLine) != 0 ||
      !within_header(record.sleep_offset, 1, sizeof(SleepLine), record.header_size))
    return refuse("sleep line outside of the header", record.sleep_offset, expected_owner);

  contents->incarnation = record.incarnation;
  contents->owner = record.owner;
  contents->header_size = record.header_size;
  contents->contact_offset = record.contact_offset;
  contents->contact_count = record.contact_count;
  contents->notification_offset = record.notification_offset;
  contents->notification_count = record.notification_count;
  contents->notification_stride = record.notification_stride;
  contents->protection_offset = record.protection_table_offset;
  contents->protection_chunks = static_cast<std::uint32_t>(record.protection_table_count);
  contents->direct_copy = record.direct_copy;
  contents->sleep_offset = record.sleep_offset;
  return 0;
}

}  // namespace anchor
