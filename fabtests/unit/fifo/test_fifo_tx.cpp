// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <algorithm>
#include <vector>

#include "fifo_pair.h"

using namespace anchor;
using namespace anchor::unit;

Test(fifo_tx, a_full_ring_takes_no_more_until_slots_come_back) {
  FifoPair fifo;
  for (std::uint32_t i = 0; i < 16; ++i) cr_assert_eq(fifo.put(i), 0);
  cr_assert_eq(fifo.put(16), -EAGAIN);
  for (std::uint32_t i = 0; i < 16; ++i) cr_assert(fifo.take(i));
  cr_assert(fifo.empty());
  cr_assert_eq(fifo.put(16), 0, "a refused message leaves no trace");
  cr_assert(fifo.take(16));
}

Test(fifo_tx, the_ring_wraps) {
  FifoPair fifo;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    cr_assert_eq(fifo.put(i), 0);
    if (i < 10) continue;
    cr_assert(fifo.take(i - 10));
  }
}

// A ring as long as 2^16 slots wraps the 32-bit position in the middle, too.
Test(fifo_tx, the_position_wraps) {
  for (const std::uint32_t slots : {16u, 65536u}) {
    for (const std::uint32_t before : {0u, 1u, 7u, 15u, 16u}) {
      FifoPair fifo({slots, kMinPayloadArea}, 0u - before);
      for (std::uint32_t i = 0; i < slots; ++i) cr_assert_eq(fifo.put(i), 0);
      cr_assert_eq(fifo.put(0), -EAGAIN);
      for (std::uint32_t i = 0; i < slots; ++i) cr_assert(fifo.take(i));
      cr_assert(fifo.empty());
      for (std::uint32_t i = 0; i < 40; ++i) {
        cr_assert_eq(fifo.put(i, 100), 0);
        cr_assert(fifo.take(i, 100));
      }
    }
  }
}

Test(fifo_tx, the_payload_area_wraps_with_every_size) {
  FifoPair fifo;
  for (std::uint32_t length = 0; length <= fifo.tx.max_payload(); ++length) {
    for (std::uint32_t turn = 0; turn < 3; ++turn) {
      cr_assert_eq(fifo.put(length + turn, length, true), 0, "%u bytes do not fit an empty FIFO", length);
      cr_assert(fifo.take(length + turn, length), "%u bytes are damaged", length);
      cr_assert(fifo.empty());
    }
  }
}

Test(fifo_tx, a_full_payload_area_takes_no_more_and_overwrites_nothing) {
  for (std::uint32_t length = 41; length <= kMinPayloadArea / 2; length += 61) {
    FifoPair fifo({64, kMinPayloadArea});
    std::uint32_t next = 0, awaited = 0;
    while (awaited < 400) {
      const int error = fifo.put(next, length);
      cr_assert(error == 0 || error == -EAGAIN);
      if (error == 0) ++next;
      if (error == -EAGAIN || next % 3 == 0) {
        cr_assert_lt(awaited, next, "an empty FIFO refuses %u bytes", length);
        cr_assert(fifo.take(awaited++, length));
      }
      if (awaited == next) cr_assert(fifo.empty());
    }
  }
}

Test(fifo_tx, small_and_large_messages_share_the_ring) {
  FifoPair fifo({64, kMinPayloadArea});
  std::uint32_t random = 1;
  std::vector<std::uint32_t> lengths;
  std::size_t awaited = 0;
  while (awaited < 20'000) {
    random = random * 1664525 + 1013904223;
    const std::uint32_t length = random >> 30 == 0 ? random % 4161 : random % 41;
    const bool sent = fifo.put(static_cast<std::uint32_t>(lengths.size()), length) == 0;
    if (sent) lengths.push_back(length);
    while (!sent || random >> 28 == 1) {
      if (awaited == lengths.size()) break;
      cr_assert(fifo.take(static_cast<std::uint32_t>(awaited), lengths[awaited]));
      ++awaited;
    }
    if (awaited == lengths.size()) cr_assert(fifo.empty());
  }
}

Test(fifo_tx, gathers_segments) {
  FifoPair fifo;
  for (const std::uint32_t length : {5u, 40u, 41u, 300u}) {
    iovec segments[3] = {
        {const_cast<std::byte*>(pattern(0)), 2}, {nullptr, 0}, {const_cast<std::byte*>(pattern(2)), length - 2}};
    OutgoingMessage message{.operation = Operation::kTaggedEager, .length = length, .tag = 0, .data = ~0u};
    message.flags = length > kInlineSize ? kInArea : 0;
    message.segments = segments;
    message.segment_count = 3;
    cr_assert_eq(fifo.tx.put(message), 0);
    cr_assert(fifo.take(0, length));
  }
}

Test(fifo_tx, a_control_message_carries_its_body) {
  FifoPair fifo;
  OutgoingMessage message{.operation = Operation::kFinish};
  message.set_body(FinishBody{0x1122334455667788, -5});
  cr_assert_eq(fifo.tx.put(message), 0);
  const IncomingMessage* received = fifo.rx.peek();
  cr_assert_not_null(received);
  cr_assert_eq(received->length, 0u);
  cr_assert_eq(received->body_as<FinishBody>().request, 0x1122334455667788u);
  cr_assert_eq(received->body_as<FinishBody>().status, -5);
}

Test(fifo_tx, the_offset_is_filled_in_and_the_rest_of_the_body_kept) {
  FifoPair fifo;
  for (const std::uint32_t expected : {0u, 128u}) {
    iovec segment{const_cast<std::byte*>(pattern(0)), 65};
    OutgoingMessage message{.operation = Operation::kChunk, .flags = kInArea, .length = 65};
    message.segments = &segment;
    message.segment_count = 1;
    message.set_body(ChunkBody{77, 0, 99});
    cr_assert_eq(fifo.tx.put(message), 0);
    cr_assert_eq(fifo.rx.peek()->body_as<ChunkBody>().offset, expected);
    cr_assert_eq(fifo.rx.peek()->body_as<ChunkBody>().transfer, 99u);
    fifo.rx.consume();
  }
}

Test(fifo_tx, credits_never_granted_are_a_broken_protocol) {
  for (const std::uint32_t lie : {17u, 100u, 0x80000000u, 0xffffffffu}) {
    FifoPair fifo;
    for (std::uint32_t i = 0; i < 16; ++i) cr_assert_eq(fifo.put(i), 0);
    fifo.own.progress.tail.store(lie);
    cr_assert_eq(fifo.put(16), -EPROTO);
  }
}

Test(fifo_tx, credits_taken_back_are_a_broken_protocol) {
  FifoPair fifo;
  for (std::uint32_t i = 0; i < 16; ++i) cr_assert_eq(fifo.put(i), 0);
  fifo.own.progress.tail.store(8);
  for (std::uint32_t i = 0; i < 8; ++i) cr_assert_eq(fifo.put(i), 0);
  fifo.own.progress.tail.store(7);
  cr_assert_eq(fifo.put(0), -EPROTO);
}

Test(fifo_tx, a_lie_about_credits_shows_when_the_payload_area_is_full_too) {
  FifoPair fifo({64, kMinPayloadArea});
  cr_assert_eq(fifo.put(0, kMinPayloadArea / 2), 0);
  cr_assert_eq(fifo.put(1, kMinPayloadArea / 2), 0);
  cr_assert_eq(fifo.put(2, kMinPayloadArea / 2), -EAGAIN);
  fifo.own.progress.tail.store(3);
  cr_assert_eq(fifo.put(2, kMinPayloadArea / 2), -EPROTO);
}

Test(fifo_tx, only_the_low_half_of_the_credit_word_counts) {
  FifoPair fifo;
  for (std::uint32_t i = 0; i < 16; ++i) cr_assert_eq(fifo.put(i), 0);
  fifo.own.progress.tail.store(0xdeadbeef'00000001);
  cr_assert_eq(fifo.put(16), 0);
  cr_assert_eq(fifo.put(17), -EAGAIN);
}

Test(fifo_tx, a_reader_that_does_not_poll_wants_to_be_told) {
  FifoPair fifo;
  cr_assert(fifo.tx.reader_wants_notification());
  fifo.own.status.polled.store(1);
  cr_assert_not(fifo.tx.reader_wants_notification());
}

Test(fifo_tx, a_tail_that_came_with_a_message_makes_room) {
  FifoPair fifo;
  for (std::uint32_t i = 0; i < 16; ++i) cr_assert_eq(fifo.put(i), 0);
  fifo.tx.credited(3);
  for (std::uint32_t i = 0; i < 3; ++i) cr_assert_eq(fifo.put(i), 0);
  cr_assert_eq(fifo.put(0), -EAGAIN, "the progress line, which is behind, takes nothing back");
  fifo.own.progress.tail.store(2);
  cr_assert_eq(fifo.put(0), -EAGAIN);
  fifo.own.progress.tail.store(4);
  cr_assert_eq(fifo.put(0), 0);
}

Test(fifo_tx, a_tail_that_is_old_or_makes_no_sense_is_no_news) {
  FifoPair fifo;
  for (std::uint32_t i = 0; i < 16; ++i) cr_assert_eq(fifo.put(i), 0);
  fifo.tx.credited(8);
  for (std::uint32_t i = 0; i < 8; ++i) cr_assert_eq(fifo.put(i), 0);
  for (const std::uint32_t tail : {7u, 0u, 25u, 0x80000000u, 0xffffffffu}) {
    fifo.tx.credited(tail);
    cr_assert_eq(fifo.put(0), -EAGAIN, "tail %u", tail);
  }
}

Test(fifo_tx, only_messages_that_carry_a_tail_are_given_one) {
  FifoPair fifo;
  for (const std::uint8_t flags : {kInArea + 0, kInArea | kCarriesTail}) {
    iovec segment{const_cast<std::byte*>(pattern(0)), 65};
    OutgoingMessage message{.operation = Operation::kChunk, .flags = flags, .length = 65};
    message.segments = &segment;
    message.segment_count = 1;
    message.set_body(ChunkBody{0, 77, 99});
    cr_assert_eq(fifo.tx.put(message, 1234), 0);
    cr_assert_eq(fifo.rx.peek()->body_as<ChunkBody>().tail, flags & kCarriesTail ? 1234u : 77u);
    cr_assert_eq(fifo.rx.peek()->body_as<ChunkBody>().transfer, 99u);
    fifo.rx.consume();
  }
}

Test(fifo_tx, an_empty_payload_area_is_begun_anew) {
  FifoPair fifo;
  const auto put_and_take = [&] {
    cr_assert_eq(fifo.put(5, 1000), 0);
    const std::uint32_t offset = fifo.rx.peek()->body_as<AreaBody>().offset;
    cr_assert(fifo.take(5, 1000));
    return offset;
  };
  cr_assert_eq(put_and_take(), 0u);
  cr_assert_eq(put_and_take(), 1024u, "nobody said that the first one was read");
  fifo.tx.credited(2);
  cr_assert_eq(put_and_take(), 0u);
}

// So that the next one's lines can be fetched while the last one is read.
Test(fifo_tx, messages_that_are_not_demoted_alternate_between_two_places) {
  for (const bool demotes : {false, true}) {
    for (const std::uint32_t length : {kMostDemotedOfAnswer + 1, 4096u, 7000u}) {
      FifoPair fifo({64, kMaxPayloadArea}, 0, demotes);
      const std::uint32_t second = demotes ? std::max<std::uint32_t>(kPageSize, round_up(length, kCacheLine)) : 0;
      std::uint32_t expected = 0;
      for (std::uint32_t i = 0; i < 20; ++i) {
        cr_assert_eq(fifo.put(i, length), 0);
        fifo.tx.prefetch_ahead();
        const IncomingMessage& message = *fifo.rx.peek();
        const std::uint32_t offset = message.body_as<AreaBody>().offset;
        cr_assert_eq(offset, expected, "%u bytes, message %u at %u", length, i, offset);
        // What went past the caches leaves no lines to be kept near.
        expected = offset == 0 && (message.flags & kStreamed) == 0 ? second : 0;
        cr_assert(fifo.take(i, length));
        fifo.tx.credited(i + 1);
      }
    }
  }
}

Test(fifo_tx, the_longest_message_fits_an_empty_area_whatever_was_there) {
  FifoPair fifo({64, 24448}, 0, true);
  for (std::uint32_t length = 41; length <= fifo.tx.max_payload(); length += 41) {
    cr_assert_eq(fifo.put(length, length), 0);
    cr_assert(fifo.take(length, length));
    cr_assert(fifo.empty());
    cr_assert(fifo.tx.find_place(fifo.tx.max_payload()) == 0);
    cr_assert_eq(fifo.put(1, fifo.tx.max_payload()), 0, "behind %u bytes", length);
    cr_assert(fifo.take(1, fifo.tx.max_payload()));
    cr_assert(fifo.empty());
  }
}

Test(fifo_tx, what_goes_through_the_caches_keeps_to_a_few_lines) {
  for (const bool demotes : {false, true}) {
    FifoPair fifo({64, kMaxPayloadArea}, 0, demotes);
    const std::uint32_t places = cached_window(demotes) / 1024;
    for (std::uint32_t i = 0; i < 1000; ++i) {
      const int error = fifo.put(i, 1000);
      cr_assert_eq(error, i % places == 0 && i != 0 ? -EAGAIN : 0, "message %u", i);
      if (error == 0) continue;
      for (std::uint32_t taken = i - places; taken < i; ++taken) {
        cr_assert_lt(fifo.rx.peek()->body_as<AreaBody>().offset, cached_window(demotes));
        cr_assert(fifo.take(taken, 1000));
      }
      cr_assert_eq(fifo.put(i, 1000), 0);
    }
  }
}

// Long messages are written through the caches or past them, as the reader's and the writer's clocks have it: all
// arrive whole, and the reader hears which it was.
Test(fifo_tx, long_messages_arrive_whole_either_way) {
  FifoPair fifo({64, kMaxPayloadArea});
  bool streamed = false, cached = false;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    const std::uint32_t length = kMinMeasured + i % 4001;
    cr_assert_eq(fifo.put(i, length), 0);
    (fifo.rx.peek()->flags & kStreamed ? streamed : cached) = true;
    cr_assert(fifo.take(i, length));
    cr_assert(fifo.empty());
  }
  cr_assert(cached || kStreamingCopies);
  cr_assert_eq(streamed, kStreamingCopies, "the other way is tried from time to time");
  const CopyCosts told = CopyCosts::from(fifo.own.progress.costs.load());
  cr_assert_neq(told.of(CopyWay::kCached), 0u);
  cr_assert_eq(told.of(CopyWay::kStreaming) != 0, kStreamingCopies);
}

// Its trials are counted by messages, not by attempts.
Test(fifo_tx, an_attempt_without_room_is_no_trial) {
  FifoPair fifo;
  const auto half = static_cast<std::uint32_t>(kSmallest.max_payload());
  for (std::uint32_t i = 0; i < 2; ++i) cr_assert_eq(fifo.put(i, half), 0);
  for (unsigned attempt = 0; attempt < 9; ++attempt) cr_assert_eq(fifo.put(2, kMinMeasured), -EAGAIN);
  for (std::uint32_t i = 0; i < 2; ++i) cr_assert(fifo.take(i, half));
  for (std::uint32_t i = 2; i < 6; ++i) {
    cr_assert_eq(fifo.put(i, kMinMeasured), 0);
    cr_assert_eq((fifo.rx.peek()->flags & kStreamed) != 0, kStreamingCopies && i < 4, "message %u", i);
    cr_assert(fifo.take(i, kMinMeasured));
  }
}
