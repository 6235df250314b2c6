// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "fifo_pair.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

// What a hostile writer may put into the slot for the first message.
void forge(FifoPair& fifo, std::uint8_t flags, std::uint32_t length, std::uint32_t offset = 0) {
  Slot& slot = fifo.slot(0);
  slot.body[0] = offset;
  slot.head.store(SlotHead::pack(
      1, SlotHead::kind(static_cast<std::uint8_t>(Operation::kEager), flags, static_cast<std::uint16_t>(length))));
}

bool refused(std::uint8_t flags, std::uint32_t length, std::uint32_t offset = 0) {
  FifoPair fifo;
  forge(fifo, flags, length, offset);
  const bool nothing = fifo.rx.peek() == nullptr;
  cr_assert_eq(nothing, fifo.rx.broken());
  if (nothing) {
    cr_assert_null(fifo.rx.peek());
    forge(fifo, 0, 8);
    cr_assert_null(fifo.rx.peek(), "a broken FIFO stays broken");
  }
  return nothing;
}

}  // namespace

Test(fifo_rx, an_empty_fifo_has_nothing) {
  FifoPair fifo;
  cr_assert_null(fifo.rx.peek());
  cr_assert_not(fifo.rx.broken());
}

Test(fifo_rx, a_message_stays_until_consumed) {
  FifoPair fifo;
  cr_assert_eq(fifo.put(1), 0);
  cr_assert_eq(fifo.put(2), 0);
  cr_assert_eq(fifo.rx.peek()->tag, 1u);
  cr_assert_eq(fifo.rx.peek()->tag, 1u);
  fifo.rx.consume();
  cr_assert_eq(fifo.rx.peek()->tag, 2u);
}

Test(fifo_rx, a_message_is_a_private_copy) {
  FifoPair fifo;
  cr_assert_eq(fifo.put(1), 0);
  const IncomingMessage* message = fifo.rx.peek();
  std::memset(fifo.slot(0).body, 0xee, kInlineSize);
  fifo.slot(0).tag = 9;
  cr_assert_eq(message->tag, 1u);
  cr_assert_eq(std::memcmp(message->payload, pattern(1), 8), 0);
}

Test(fifo_rx, more_than_fits_a_slot_is_refused) {
  cr_assert_not(refused(0, 40));
  cr_assert(refused(0, 41));
  cr_assert(refused(kHasRemoteData, 0xffff));
}

Test(fifo_rx, bytes_outside_of_the_payload_area_are_refused) {
  constexpr std::uint32_t kSize = kMinPayloadArea;
  cr_assert_not(refused(kInArea, kSize, 0));
  cr_assert_not(refused(kInArea, 0, kSize));
  cr_assert_not(refused(kInArea, 1, kSize - 1));
  cr_assert(refused(kInArea, kSize + 1, 0));
  cr_assert(refused(kInArea, 2, kSize - 1));
  cr_assert(refused(kInArea, 1, kSize));
  cr_assert(refused(kInArea, 0, kSize + 1));
  cr_assert(refused(kInArea, 64, 0xffffffff));
  cr_assert(refused(kInArea, 64, 0xffffffc0));
}

Test(fifo_rx, unknown_flags_are_refused_and_a_tail_without_bytes_in_the_area) {
  for (unsigned bit = 0; bit < 8; ++bit) {
    const auto flag = static_cast<std::uint8_t>(1u << bit);
    cr_assert_eq(refused(flag, 8), (flag & ~kKnownFlags) != 0 || flag == kCarriesTail);
    cr_assert_eq(refused(flag | kInArea, 8), (flag & ~kKnownFlags) != 0);
  }
}

Test(fifo_rx, only_the_awaited_position_is_a_message) {
  for (const std::uint32_t position : {0u, 2u, 15u, 16u, 17u, 0xffffffffu, 0x80000001u, 0x01000000u}) {
    FifoPair fifo;
    fifo.slot(0).head.store(
        SlotHead::pack(position, SlotHead::kind(static_cast<std::uint8_t>(Operation::kEager), 0, 8)));
    cr_assert_null(fifo.rx.peek());
    cr_assert_not(fifo.rx.broken());
  }
}

Test(fifo_rx, slots_of_former_rounds_are_not_seen_again) {
  FifoPair fifo;
  for (std::uint32_t i = 0; i < 100; ++i) {
    cr_assert_eq(fifo.put(i), 0);
    cr_assert(fifo.take(i));
    cr_assert(fifo.empty());
  }
}

// Bodies, tags and data full of what would be a good head for every slot to come.
Test(fifo_rx, bytes_of_users_cannot_pass_for_a_head) {
  FifoPair fifo;
  for (std::uint32_t i = 0; i < 64; ++i) {
    std::uint64_t forged[5];
    for (std::uint32_t k = 0; k < 5; ++k) forged[k] = SlotHead::pack(i + 2 + k, SlotHead::kind(3, 0, 8));
    iovec segment{forged, sizeof forged};
    OutgoingMessage message{.operation = Operation::kEager, .length = 40, .tag = forged[0], .data = forged[15 % 5]};
    message.segments = &segment;
    message.segment_count = 1;
    cr_assert_eq(fifo.tx.put(message), 0);
    cr_assert_eq(fifo.rx.peek()->tag, forged[0]);
    fifo.rx.consume();
    cr_assert(fifo.empty());
  }
}

Test(fifo_rx, slots_come_back_a_quarter_of_the_ring_at_a_time) {
  FifoPair fifo;
  for (std::uint32_t i = 0; i < 16; ++i) cr_assert_eq(fifo.put(i), 0);
  for (std::uint32_t i = 0; i < 16; ++i) {
    cr_assert(fifo.take(i));
    cr_assert_eq(fifo.own.progress.tail.load(), (i + 1) / 4 * 4);
  }
}

Test(fifo_rx, bytes_come_back_when_a_quarter_of_the_area_is_read) {
  FifoPair fifo({64, kMinPayloadArea});
  cr_assert_eq(fifo.put(0, kMinPayloadArea / 4 - 64), 0);
  cr_assert_eq(fifo.put(1, 41), 0);
  cr_assert(fifo.take(0, kMinPayloadArea / 4 - 64));
  cr_assert_eq(fifo.own.progress.tail.load(), 0u);
  cr_assert(fifo.take(1, 41));
  cr_assert_eq(fifo.own.progress.tail.load(), 2u);
}

// What goes through the caches keeps to a small part of the area.
Test(fifo_rx, cached_bytes_come_back_when_a_quarter_of_their_window_is_read) {
  for (const bool demotes : {false, true}) {
    FifoPair fifo({64, kMaxPayloadArea}, 0, demotes);
    const std::uint32_t due = cached_window(demotes) / 4 / (1000 + kCacheLine);  // as many are not quite a quarter
    for (std::uint32_t i = 0; i <= due; ++i) cr_assert_eq(fifo.put(i, 1000), 0);
    for (std::uint32_t i = 0; i < due; ++i) cr_assert(fifo.take(i, 1000));
    cr_assert_eq(fifo.own.progress.tail.load(), 0u);
    cr_assert(fifo.take(due, 1000));
    cr_assert_eq(fifo.own.progress.tail.load(), due + 1);
  }
}

Test(fifo_rx, bytes_come_back_when_there_is_nothing_to_read) {
  FifoPair fifo({64, kMinPayloadArea});
  cr_assert_eq(fifo.put(0, 100), 0);
  cr_assert(fifo.take(0, 100));
  cr_assert_eq(fifo.own.progress.tail.load(), 0u);
  fifo.rx.return_all();
  cr_assert_eq(fifo.own.progress.tail.load(), 1u);
}

// While a connection is being made the peer's block is not mapped yet.
Test(fifo_rx, without_a_line_for_credits_nothing_is_returned_until_there_is_one) {
  FifoPair fifo;
  FifoRx<ShmPort> rx(fifo.block.get(), fifo.geometry);
  const auto pass_on = [&](std::uint32_t tag) {
    cr_assert_eq(fifo.put(tag), 0);
    cr_assert_eq(rx.peek()->tag, tag);
    rx.consume();
  };
  for (std::uint32_t i = 0; i < 8; ++i) pass_on(i);
  cr_assert_eq(fifo.own.progress.tail.load(), 0u);
  rx.return_to(fifo.own.progress);
  pass_on(8);
  cr_assert_eq(fifo.own.progress.tail.load(), 9u);
}

// The writer's costs would be compared with those of other messages.
Test(fifo_rx, times_the_messages_that_its_writer_times) {
  FifoPair fifo({64, kMaxPayloadArea});
  SharedWord& costs = fifo.own.progress.costs;
  for (std::uint32_t i = 0; i < 600; ++i) {
    cr_assert_eq(fifo.put(i, 100), 0);
    cr_assert(fifo.take(i, 100), "shorter ones do not count");
    cr_assert_eq(fifo.put(i, kMinMeasured), 0);
    cr_assert_eq((fifo.rx.peek()->flags & kStreamed) != 0, kStreamingCopies && is_trial(i), "message %u", i);
    costs.store(0);  // the writer never decides
    cr_assert(fifo.take(i, kMinMeasured));
    cr_assert_eq(costs.load() != 0, is_timed(i), "message %u", i);
    cr_assert(fifo.empty());
  }
}
