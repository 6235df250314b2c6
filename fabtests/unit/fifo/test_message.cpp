// SPDX-License-Identifier: BSD-2-Clause
// Numbers, offsets and sizes here are part of the format: see test_fifo_layout.cpp.
#include <criterion/criterion.h>

#include <cstddef>

#include "fifo/message.h"

using namespace anchor;

Test(message, operations_have_their_numbers) {
  const Operation all[] = {
      Operation::kNone,        Operation::kGrant,       Operation::kRefuse,         Operation::kEager,
      Operation::kTaggedEager, Operation::kAnnounce,    Operation::kTaggedAnnounce, Operation::kClearToSend,
      Operation::kChunk,       Operation::kFinish,      Operation::kGoodbye,        Operation::kRemoteWrite,
      Operation::kRemoteRead,  Operation::kReadChunk,   Operation::kRemoteNotice,   Operation::kRemoteFinish,
      Operation::kAtomic,      Operation::kAtomicReply, Operation::kOfferArea,      Operation::kTakeArea,
      Operation::kRemoteShare, Operation::kPlaced,      Operation::kCopyFronts};
  cr_assert_eq(std::size(all), kOperationCount);
  for (std::size_t i = 0; i < std::size(all); ++i) cr_assert_eq(static_cast<std::size_t>(all[i]), i);
  cr_assert_eq(kHasRemoteData, 1);
  cr_assert_eq(kInArea, 2);
  cr_assert_eq(kWantFinish, 4);
  cr_assert_eq(kWithdrawable, 8);
  cr_assert_eq(kKnownFlags, 63);
}

Test(message, bodies_have_their_layouts) {
  cr_assert_eq(sizeof(OfferAreaBody), 16u);
  cr_assert_eq(offsetof(OfferAreaBody, bytes), 8u);
  cr_assert_eq(sizeof(PlacedBody), 8u);
  cr_assert_eq(kMostFronts, 16u);
  cr_assert_eq(sizeof(MessageFront), 24u);
  cr_assert_eq(offsetof(MessageFront, address), 8u);
  cr_assert_eq(offsetof(MessageFront, bytes), 16u);
  cr_assert_eq(sizeof(AreaPlace), 8u);
  cr_assert_eq(offsetof(AreaPlace, tail), 4u);
  cr_assert_eq(sizeof(AreaBody), 16u);
  cr_assert_eq(offsetof(AreaBody, tail), 4u);
  cr_assert_eq(offsetof(AreaBody, request), 8u);
  cr_assert_eq(sizeof(AnnounceBody), 32u);
  cr_assert_eq(offsetof(AnnounceBody, segment_count), 4u);
  cr_assert_eq(offsetof(AnnounceBody, request), 8u);
  cr_assert_eq(offsetof(AnnounceBody, length), 16u);
  cr_assert_eq(offsetof(AnnounceBody, address), 24u);
  cr_assert_eq(sizeof(RemoteSegment), 16u);
  cr_assert_eq(offsetof(RemoteSegment, length), 8u);
  cr_assert_eq(sizeof(ClearToSendBody), 40u);
  cr_assert_eq(offsetof(ClearToSendBody, transfer), 8u);
  cr_assert_eq(offsetof(ClearToSendBody, length), 16u);
  cr_assert_eq(offsetof(ClearToSendBody, receiver_address), 24u);
  cr_assert_eq(offsetof(ClearToSendBody, piece), 32u);
  cr_assert_eq(sizeof(ChunkBody), 16u);
  cr_assert_eq(offsetof(ChunkBody, tail), 4u);
  cr_assert_eq(offsetof(ChunkBody, transfer), 8u);
  cr_assert_eq(sizeof(FinishBody), 16u);
  cr_assert_eq(offsetof(FinishBody, status), 8u);
  cr_assert_eq(sizeof(GrantBody), 32u);
  cr_assert_eq(offsetof(GrantBody, block), 8u);
  cr_assert_eq(sizeof(RefuseBody), 16u);
  cr_assert_eq(offsetof(RefuseBody, status), 8u);
  cr_assert_eq(sizeof(RemoteWriteBody), 32u);
  cr_assert_eq(offsetof(RemoteWriteBody, ends_target), 4u);
  cr_assert_eq(offsetof(RemoteWriteBody, request), 8u);
  cr_assert_eq(offsetof(RemoteWriteBody, address), 16u);
  cr_assert_eq(offsetof(RemoteWriteBody, written), 24u);
  cr_assert_eq(sizeof(RemoteReadBody), 40u);
  cr_assert_eq(offsetof(RemoteReadBody, last), 32u);
  cr_assert_eq(offsetof(RemoteReadBody, address), 8u);
  cr_assert_eq(offsetof(RemoteReadBody, length), 16u);
  cr_assert_eq(offsetof(RemoteReadBody, position), 24u);
  cr_assert_eq(sizeof(ReadChunkBody), 24u);
  cr_assert_eq(offsetof(ReadChunkBody, tail), 4u);
  cr_assert_eq(offsetof(ReadChunkBody, request), 8u);
  cr_assert_eq(offsetof(ReadChunkBody, position), 16u);
  cr_assert_eq(sizeof(RemoteNoticeBody), 24u);
  cr_assert_eq(offsetof(RemoteNoticeBody, request), 8u);
  cr_assert_eq(offsetof(RemoteNoticeBody, rights), 16u);
  cr_assert_eq(offsetof(RemoteNoticeBody, last), 20u);
  cr_assert_eq(sizeof(RemoteFinishBody), 16u);
  cr_assert_eq(offsetof(RemoteFinishBody, status), 8u);
}

Test(message, atomic_body) {
  cr_assert_eq(sizeof(AtomicBody), 24u);
  cr_assert_eq(offsetof(AtomicBody, offset), 0u);
  cr_assert_eq(offsetof(AtomicBody, type), 4u);
  cr_assert_eq(offsetof(AtomicBody, operation), 5u);
  cr_assert_eq(offsetof(AtomicBody, family), 6u);
  cr_assert_eq(offsetof(AtomicBody, target_count), 7u);
  cr_assert_eq(offsetof(AtomicBody, length), 8u);
  cr_assert_eq(offsetof(AtomicBody, request), 16u);
  cr_assert_eq(sizeof(RemoteShareBody), 32u);
  cr_assert_eq(offsetof(RemoteShareBody, address), 0u);
  cr_assert_eq(offsetof(RemoteShareBody, length), 8u);
  cr_assert_eq(offsetof(RemoteShareBody, initiator_address), 16u);
  cr_assert_eq(offsetof(RemoteShareBody, piece), 24u);
  cr_assert_eq(offsetof(RemoteShareBody, rights), 28u);
  cr_assert_eq(kInlineSize - sizeof(AtomicBody), 16u, "an operand and a value to compare with, of 8 bytes each");
}

Test(message, every_body_with_an_area_offset_begins_with_it) {
  cr_assert_eq(offsetof(AreaBody, offset), 0u);
  cr_assert_eq(offsetof(AnnounceBody, offset), 0u);
  cr_assert_eq(offsetof(ChunkBody, offset), 0u);
  cr_assert_eq(offsetof(RemoteWriteBody, offset), 0u);
  cr_assert_eq(offsetof(ReadChunkBody, offset), 0u);
}

Test(message, a_pulled_word_says_whose_it_is_and_how_far) {
  const std::uint64_t transfer = 0x0000'0007'0000'0003;
  const std::uint64_t word = pulled_word(transfer, (1ull << 48) - 1);
  cr_assert(pulled_of(word, transfer));
  cr_assert_eq(pulled_position(word), (1ull << 48) - 1);
  cr_assert_not(pulled_of(word, 0x0000'0007'0000'0002));
  cr_assert_not(pulled_of(word, 0x0000'0009'0000'0003));
}

// These names are the ones whose digest is zero.
Test(message, a_word_that_was_never_written_is_nobodys) {
  for (const std::uint64_t transfer : {0x0000'0000'0000'8000ull, 0x0000'8001'0000'0001ull})
    cr_assert_not(pulled_of(0, transfer));
}
