// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <cerrno>
#include <cstddef>
#include <functional>

#include "../os/log_capture.h"
#include "dma/window_layout.h"
#include "fifo/anchor_record.h"
#include "fifo_pair.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

const EndpointName kOwner = EndpointName::from("anchor://owner");
constexpr DirectCopyOffer kOffer{1234, 0xabcd, {5, 6}};

struct Header {
  Header() { publish_anchor_record(bytes.get(), kOwner, 42, kOffer, MemoryType::kCoherent); }

  AnchorRecord& record() { return *reinterpret_cast<AnchorRecord*>(bytes.get()); }
  int read(AnchorContents* contents) {
    return read_anchor_record(bytes.get(), kOwner, MemoryType::kCoherent, contents);
  }

  std::unique_ptr<std::byte[], FreeMemory> bytes = zeroed(kPageSize);
};

// A record that is right but for one change is refused, said to be, and gives nothing away.
bool refused(const std::function<void(AnchorRecord&)>& change) {
  const LogCapture log;
  Header header;
  change(header.record());
  AnchorContents contents{};
  const int error = header.read(&contents);
  cr_assert(error == 0 || error == -EPROTO);
  cr_assert_eq(log.warnings(), error != 0);
  cr_assert_eq(contents.incarnation, error == 0 ? 42u : 0u);
  return error != 0;
}

}  // namespace

Test(anchor_record, layout) {
  cr_assert_eq(sizeof(AnchorRecord), 256u);
  cr_assert_eq(offsetof(AnchorRecord, magic), 0u);
  cr_assert_eq(offsetof(AnchorRecord, version), 8u);
  cr_assert_eq(offsetof(AnchorRecord, length), 12u);
  cr_assert_eq(offsetof(AnchorRecord, incarnation), 16u);
  cr_assert_eq(offsetof(AnchorRecord, header_size), 24u);
  cr_assert_eq(offsetof(AnchorRecord, owner), 32u);
  cr_assert_eq(offsetof(AnchorRecord, contact_offset), 96u);
  cr_assert_eq(offsetof(AnchorRecord, contact_count), 104u);
  cr_assert_eq(offsetof(AnchorRecord, contact_stride), 108u);
  cr_assert_eq(offsetof(AnchorRecord, notification_offset), 112u);
  cr_assert_eq(offsetof(AnchorRecord, notification_count), 120u);
  cr_assert_eq(offsetof(AnchorRecord, notification_stride), 124u);
  cr_assert_eq(offsetof(AnchorRecord, protection_table_offset), 128u);
  cr_assert_eq(offsetof(AnchorRecord, protection_table_count), 136u);
  cr_assert_eq(offsetof(AnchorRecord, direct_copy), 144u);
  cr_assert_eq(offsetof(AnchorRecord, sleep_offset), 176u);
  cr_assert_eq(offsetof(AnchorRecord, reserved), 184u);
  cr_assert_eq(sizeof(DirectCopyOffer), 32u);
  cr_assert_eq(offsetof(DirectCopyOffer, process_id), 0u);
  cr_assert_eq(offsetof(DirectCopyOffer, proof_address), 8u);
  cr_assert_eq(offsetof(DirectCopyOffer, proof), 16u);
}

Test(anchor_record, header_sizes) {
  cr_assert_eq(kSleepOffset, 512u);
  cr_assert_eq(kContactOffset, 4096u);
  cr_assert_eq(kNotificationOffset, 12288u);
  cr_assert_eq(kNotifications, 4160u);
  cr_assert_eq(kProtectionOffset, 16448u);
  cr_assert_eq(kHeaderSize, 20480u);
  cr_assert_eq(kNotifications % kCacheLine, 0u);
}

Test(anchor_record, says_its_magic_in_memory_order) {
  Header header;
  cr_assert_eq(std::memcmp(header.bytes.get(), "ANCHOR1", 8), 0);
}

Test(anchor_record, is_read_as_published) {
  Header header;
  AnchorContents contents{};
  cr_assert_eq(header.read(&contents), 0);
  cr_assert_eq(contents.incarnation, 42u);
  cr_assert(contents.owner == kOwner);
  cr_assert_eq(contents.header_size, kHeaderSize);
  cr_assert_eq(contents.contact_offset, kContactOffset);
  cr_assert_eq(contents.contact_count, kContactEntries);
  cr_assert_eq(contents.notification_offset, kNotificationOffset);
  cr_assert_eq(contents.notification_count, kNotifications);
  cr_assert_eq(contents.notification_stride, 1u);
  cr_assert_eq(contents.protection_offset, kProtectionOffset);
  cr_assert_eq(contents.protection_chunks, kProtectionChunks);
  cr_assert_eq(contents.direct_copy.process_id, 1234);
  cr_assert_eq(contents.direct_copy.proof_address, 0xabcdu);
  cr_assert_eq(contents.direct_copy.proof[1], 6u);
  cr_assert_eq(contents.sleep_offset, kSleepOffset);
}

Test(anchor_record, once_withdrawn_it_is_nobody_s_any_more) {
  for (const MemoryType memory : {MemoryType::kCoherent, MemoryType::kNonCoherent}) {
    Header header;
    AnchorContents contents{};
    cr_assert_not(anchor_record_withdrawn(header.bytes.get(), memory));
    withdraw_anchor_record(header.bytes.get(), memory);
    cr_assert(anchor_record_withdrawn(header.bytes.get(), memory));
    cr_assert_eq(header.read(&contents), -EAGAIN);
    header.record().magic = 0;
    cr_assert_not(anchor_record_withdrawn(header.bytes.get(), memory), "that was not its owner");
  }
}

Test(anchor_record, without_a_version_it_is_too_early) {
  const LogCapture log;
  Header header;
  header.record().version.store(0);
  AnchorContents contents;
  cr_assert_eq(header.read(&contents), -EAGAIN);
  cr_assert_eq(log.warnings(), 0u);
}

Test(anchor_record, must_be_one_at_all) {
  cr_assert(refused([](AnchorRecord& record) { ++record.magic; }));
  cr_assert(refused([](AnchorRecord& record) { record.version.store(kFormatVersion + 1); }));
  cr_assert(refused([](AnchorRecord& record) { --record.length; }));
  cr_assert(refused([](AnchorRecord& record) { ++record.length; }));
}

Test(anchor_record, must_be_that_of_the_name) {
  cr_assert(refused([](AnchorRecord& record) { record.owner = EndpointName::from("anchor://other"); }));
  cr_assert(refused([](AnchorRecord& record) { record.owner.bytes[63] = 'x'; }), "behind the end of the name, too");
}

Test(anchor_record, must_have_a_header_of_whole_pages_and_bounded_size) {
  for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{4095}, kHeaderSize + 1, 10 * kHeaderSize + 4096,
                                   std::uint64_t{1} << 63, ~std::uint64_t{4095}})
    cr_assert(refused([=](AnchorRecord& record) { record.header_size = size; }), "%#llx", size + 0ull);
  cr_assert_not(refused([](AnchorRecord& record) { record.header_size = 10 * kHeaderSize; }));
}

Test(anchor_record, must_have_its_contact_table_inside_of_the_header) {
  for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{128}, kContactOffset + 64, kHeaderSize - 128,
                                     kHeaderSize + 128, ~std::uint64_t{127}})
    cr_assert(refused([=](AnchorRecord& record) { record.contact_offset = offset; }), "%#llx", offset + 0ull);
  cr_assert(refused([](AnchorRecord& record) { record.contact_count = 0; }));
  cr_assert(refused([](AnchorRecord& record) { record.contact_count = kContactEntries + 1; }));
  cr_assert(refused([](AnchorRecord& record) { record.contact_stride = 64; }));
  cr_assert_not(refused([](AnchorRecord& record) { record.contact_count = 1; }));
}

Test(anchor_record, must_have_its_board_inside_of_the_header) {
  for (const std::uint64_t offset :
       {std::uint64_t{0}, std::uint64_t{255}, kHeaderSize - kNotifications + 1, kHeaderSize + 1, ~std::uint64_t{0}})
    cr_assert(refused([=](AnchorRecord& record) { record.notification_offset = offset; }), "%#llx", offset + 0ull);
  cr_assert(refused([](AnchorRecord& record) { record.notification_count = 0xffffffff; }));
  cr_assert(refused([](AnchorRecord& record) { record.notification_count = kContactEntries - 1; }));
  for (const std::uint32_t stride : {0u, 2u, 63u, 65u, 0xffffffffu})
    cr_assert(refused([=](AnchorRecord& record) { record.notification_stride = stride; }));
  cr_assert(refused([](AnchorRecord& record) { record.notification_stride = 64; }), "so many lines do not fit");
  cr_assert_not(refused([](AnchorRecord& record) {
    record.notification_stride = 64;
    record.notification_count = 128;
  }));
}

Test(anchor_record, must_have_its_protection_table_inside_of_the_header_or_none) {
  for (const std::uint64_t offset :
       {std::uint64_t{64}, kProtectionOffset + 8, kHeaderSize - 128, kHeaderSize + 64, ~std::uint64_t{63}})
    cr_assert(refused([=](AnchorRecord& record) { record.protection_table_offset = offset; }), "%#llx", offset + 0ull);
  for (const std::uint64_t count : {std::uint64_t{0}, std::uint64_t{17}, ~std::uint64_t{0}})
    cr_assert(refused([=](AnchorRecord& record) { record.protection_table_count = count; }));
  cr_assert_not(refused([](AnchorRecord& record) { record.protection_table_count = 1; }));
  cr_assert_not(refused([](AnchorRecord& record) { record.protection_table_offset = 0; }));
}

Test(anchor_record, must_have_its_sleep_line_inside_of_the_header) {
  for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{192}, std::uint64_t{520}, kHeaderSize - 32,
                                     kHeaderSize + 0, ~std::uint64_t{63}})
    cr_assert(refused([=](AnchorRecord& record) { record.sleep_offset = offset; }), "%#llx", offset + 0ull);
  cr_assert_not(refused([](AnchorRecord& record) { record.sleep_offset = kHeaderSize - 64; }));
}

Test(anchor_record, says_that_the_board_is_spread) {
  cr_assert_eq(&board_layout(MemoryType::kCoherent), &kDenseBoard);
  cr_assert_eq(&board_layout(MemoryType::kWriteCombined), &kDenseBoard);
  const BoardLayout& board = board_layout(MemoryType::kNonCoherent);
  cr_assert_eq(board.offset, 20480u);
  cr_assert_eq(board.count, 384u);
  cr_assert_eq(board.stride, 64u);
  cr_assert_eq(board.header_size, 45056u);
  cr_assert_leq(board.header_size, data_offset(2), "told from data by its offsets");

  const auto header = zeroed(board.header_size);
  const EndpointName name = EndpointName::from("anchor://spread");
  publish_anchor_record(header.get(), name, 5, DirectCopyOffer{}, MemoryType::kNonCoherent);
  AnchorContents contents{};
  cr_assert_eq(read_anchor_record(header.get(), name, MemoryType::kNonCoherent, &contents), 0);
  cr_assert_eq(contents.header_size, board.header_size);
  cr_assert_eq(contents.notification_offset, board.offset);
  cr_assert_eq(contents.notification_count, board.count);
  cr_assert_eq(contents.notification_stride, board.stride);
}
