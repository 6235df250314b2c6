// SPDX-License-Identifier: BSD-2-Clause
// The writing end of a FIFO that lies in a peer's memory.
//
// One instance per connection, used under its endpoint's lock. It never reads the peer's memory: credits come back in
// our own block (`own`), which the peer writes and which is therefore checked before use.
#pragma once

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "fifo/copy_choice.h"
#include "fifo/demotion_limits.h"
#include "fifo/fifo_layout.h"
#include "fifo/message.h"
#include "os/demotion.h"
#include "os/processor_features.h"

namespace anchor {

// Slots ahead whose lines are prefetched in a stream of messages: so far that its reader, who looks at the slot behind
// the last message and may have the processor fetch more, has not taken them away again when their turn comes. Measured
// on AMD's Zen 4: 8-byte messages in 50 ns each with 3 and a reader that waited for several, 42 with 6, 40 with 8, 50
// with 10; since the reader prefetches, too, 6 and 8 are alike.
inline constexpr std::uint32_t kPrefetchDistance = 8;
static_assert(kPrefetchDistance <= kMinSlots / 2);  // beyond, few are messages that are still to be read

// Where messages alternate: of a place in the payload area for up to kLongestPrefetched bytes the lines of the first
// kMostPrefetched are prefetched. On Zen 4 more than are needed at once hold up what is needed first: half of them
// gained nothing at 1 and 2 KiB, and as many cost something at 4. Half a round trip of 1000 bytes 192 ns instead of
// 201, of 2040 286 instead of 304.
inline constexpr std::uint32_t kLongestPrefetched = 2048, kMostPrefetched = 1024;
// On a Xeon that knows demotion what is not demoted alternates, too: between two places, of which the other one is
// fetched while the last message is read and answered, and is here when it is needed. (A page apart, or more: whoever
// reads one has the processor fetch more of the page.) Half a round trip of 2 KiB in 0.91 of the time, of 4 KiB in 0.8,
// of 8 KiB in 0.71, of 12000 bytes in 0.63.
//
// There, too, of a stream's messages of up to so many bytes all of the next place is fetched ahead, and not only of
// those that are not measured.
inline constexpr std::uint32_t kLongestFetchedAhead = 12u << 10;

template <class Port>
class FifoTx {
 public:
  // `block`: the mapped block granted by the peer, valid for `geometry`; `own`: of our block, where the peer tells us
  // what it has read; `start`: the position of the first message, which `own` holds too. `trusts_polled`: false where a
  // reader that goes to sleep cannot have its fence executed by us; then it is always notified. `demotes`: whether the
  // processor can (os/demotion.h).
  FifoTx(std::byte* block, const BlockGeometry& geometry, const BlockHead& own, std::uint32_t start = 0,
         bool trusts_polled = true, bool demotes = processor_features().cldemote)
      : slots_(reinterpret_cast<Slot*>(block + geometry.slots_offset())),
        mask_(geometry.slot_count - 1),
        head_(start),
        tail_(start),
        line_tail_(start),
        polled_(trusts_polled ? &own.status.polled : &kNeverPolled),
        progress_(own.progress),
        payload_(block + geometry.payload_offset()),
        payload_size_(geometry.payload_bytes),
        max_payload_(static_cast<std::uint32_t>(geometry.max_payload())),
        demotes_(demotes),
        payload_marks_(std::make_unique<std::uint32_t[]>(geometry.slot_count)) {}

  // Writes the message into the next slot and makes it visible. -EAGAIN: no room now. -EPROTO: the peer returned
  // credits that it never had. Requires: message.length <= kInlineSize, or <= max_payload() with kInArea. `consumed`:
  // slots of the other direction, for messages that carry a tail. `answers`: it is the first since one was received.
  int put(const OutgoingMessage& message, std::uint32_t consumed = 0, bool answers = false) noexcept {
    if (const int error = find_slot()) [[unlikely]]
      return error;
    Slot& slot = slots_[head_ & mask_];
    std::uint8_t flags = message.flags;
    last_in_area_ = (flags & kInArea) != 0;
    if (last_in_area_) {
      AreaPlace place{.offset = 0, .tail = consumed};
      const CopyWay way = way_of(message.length);
      if (const int error = reserve(message.length, way, &place.offset)) return error;
      fill_area(payload_ + place.offset, message, way);
      Port::written(payload_ + place.offset, message.length);
      demote_place(payload_ + place.offset, message.length, answers);
      if (way == CopyWay::kStreaming) flags |= kStreamed;
      Port::put(slot.body, message.body, sizeof slot.body);
      Port::put(slot.body, &place, flags & kCarriesTail ? sizeof place : sizeof place.offset);
    } else if (message.length != 0) {
      put_segments(slot.body, message);
    } else {
      Port::put(slot.body, message.body, sizeof slot.body);
    }
    publish(
        slot,
        SlotHead::kind(static_cast<std::uint8_t>(message.operation), flags, static_cast<std::uint16_t>(message.length)),
        message.tag, message.data);
    return 0;
  }

  // The same for bytes that fit the slot. In memory of this host nothing is called, so that the caller needs no frame.
  // Requires: knows_slot(), a length of at most kInlineSize.
  void put_small(std::uint32_t kind, std::uint64_t tag, std::uint64_t data, const void* bytes) noexcept {
    const std::size_t length = SlotHead::length(kind);
    assert(length <= kInlineSize);
    if (length > kInlineSize) __builtin_unreachable();  // Port::put() calls something for longer ones
    Slot& slot = slots_[head_ & mask_];
    last_in_area_ = false;
    Port::put(slot.body, bytes, length);
    publish(slot, kind, tag, data);
  }
  // Whether there is a slot, as far as is known without a look at the credits.
  bool knows_slot() const noexcept { return head_ - tail_ <= mask_; }
  // 0, -EAGAIN or -EPROTO: as put() of a message that fits the slot.
  int find_slot() noexcept {
    if (knows_slot()) [[likely]]
      return 0;
    if (const int error = take_credits()) return error;
    return knows_slot() ? 0 : -EAGAIN;
  }

  // The same of a place in the payload area for `length` bytes that go through the caches.
  int find_place(std::uint32_t length) noexcept {
    const std::uint32_t size = static_cast<std::uint32_t>(round_up(length, kCacheLine));
    return find_room(size, cached_end(size));
  }

  // In a stream of messages: has the line of a later slot brought here while the next ones are prepared, and the lines
  // that bytes as many as the last message's will go to.
  void prefetch_stream() const noexcept {
    if constexpr (!Port::kCoherent) return;
    prefetch_to_write(&slots_[(head_ + kPrefetchDistance) & mask_]);
    const std::uint32_t longest = demotes_ ? kLongestFetchedAhead : kMinMeasured - kCacheLine;
    if (last_in_area_) prefetch_place(longest, longest);
  }
  // Has the slot brought here that the next message will go to: when one has been sent that may be answered, and its
  // reader leaves the slot alone (turn_taking.h).
  void prefetch_slot() const noexcept {
    if constexpr (!Port::kCoherent) return;
    if (knows_slot()) prefetch_to_write(&slots_[head_ & mask_]);
  }
  // Likewise, when a message has come that may be answered, before it is handled, if that has no bytes in the area. A
  // reader that polls the slot soon takes it away again: it is worth it only where nothing has to be written before.
  // Half a round trip of 8 bytes: 0.94 of the time (Zen 4), 0.86 (Xeon), where it is 0.88 if this waits until the
  // message has been handled.
  void prefetch_answer_slot() const noexcept {
    if (!last_in_area_) prefetch_slot();
  }
  // When it has been taken: the same of the first lines that the answer's bytes will go to, while the application
  // prepares them. Before, they would keep the message's own bytes waiting: 1 KiB took 1.2 times as long.
  void prefetch_answer_place() const noexcept {
    if constexpr (!Port::kCoherent) return;
    if (last_in_area_ && !fetches_ahead()) prefetch_place(kLongestPrefetched, kMostPrefetched);
  }
  // When a message has been sent that may be answered, and the area holds nothing else: all of the place that the one
  // after the answer will have if it is like this one.
  void prefetch_ahead() const noexcept {
    if (!last_in_area_ || !fetches_ahead() || payload_head_ - payload_tail_ != last_size_) return;
    const std::uint32_t place = other_place();
    const bool apart = place + last_size_ <= last_offset_ || last_offset_ + last_size_ <= place;
    if (apart) prefetch_lines(payload_ + place, last_size_);
  }

  // A tail that came with a message of the other direction, or in our block: whichever is behind the other is no news,
  // like one that makes no sense.
  void credited(std::uint32_t tail) noexcept {
    if (tail - tail_ <= head_ - tail_) advance(tail);
  }

  // Of one message, whatever the area.
  std::uint32_t max_payload() const noexcept { return max_payload_; }
  // Of a long message's pieces: writing and reading overlap.
  std::uint32_t chunk_size() const noexcept { return payload_size_ / 4 / kCacheLine * kCacheLine; }

  // From the next message on the bytes go to another area. What is in flight is read where it lies.
  void move_area(std::byte* area, std::uint32_t bytes) noexcept {
    payload_ = area;
    payload_size_ = bytes;
    payload_offset_ = payload_head_ = payload_tail_ = 0;
    std::fill_n(payload_marks_.get(), mask_ + 1, 0);
  }

  // W2. The reader does not look at this FIFO by itself: ring its notification board. Relaxed, and without a fence
  // behind the publication: see sleep_line.h.
  bool reader_wants_notification() const noexcept {
    std::atomic_signal_fence(std::memory_order_seq_cst);  // the compiler, too, leaves it behind the publication
    return polled_->load(std::memory_order_relaxed) == 0;
  }

 private:
  static inline const SharedWord kNeverPolled{0};
  static constexpr std::uint32_t kLongBehind = 1u << 30;

  void publish(Slot& slot, std::uint32_t kind, std::uint64_t tag, std::uint64_t data) noexcept {
    const std::uint32_t head = head_;  // not read again behind stores that might change it, for all the compiler knows
    payload_marks_[head & mask_] = payload_head_;
    slot.tag = tag;
    slot.data = data;
    head_ = head + 1;
    // The head pointer and the notice of arrival travel in the message's own line.
    Port::publish(slot.head, SlotHead::pack(head + 1, kind));
    // On a Xeon 8-byte messages 37 ns each instead of 45, half a round trip 161 ns instead of 165.
    if constexpr (Port::kCoherent) demote(&slot);
  }

  template <auto kPut = &Port::put>
  void put_segments(void* place, const OutgoingMessage& message) noexcept {
    auto* to = static_cast<std::byte*>(place);
    for (std::uint32_t i = 0; i < message.segment_count; ++i) {
      if (message.segments[i].iov_len == 0) continue;  // its address may be anything, NULL too
      kPut(to, message.segments[i].iov_base, message.segments[i].iov_len);
      to += message.segments[i].iov_len;
    }
  }

  CopyWay way_of(std::uint32_t length) noexcept {
    if (length < kMinMeasured) return CopyWay::kCached;
    // Relaxed: a hint.
    return choice_.next([this] { return progress_.costs.load(std::memory_order_relaxed); });
  }

  void fill_area(std::byte* place, const OutgoingMessage& message, CopyWay way) noexcept {
    if (message.length < kMinMeasured) return put_segments(place, message);
    const bool timed = choice_.take_turn();
    const std::uint64_t began = timed ? ticks() : 0;
    if (way == CopyWay::kStreaming) {
      put_segments<&Port::stream>(place, message);
    } else {
      put_segments(place, message);
    }
    if (timed) choice_.wrote(way, ticks() - began, message.length);
  }

  static void demote_place(const std::byte* place, std::uint32_t bytes, bool answers) noexcept {
    if constexpr (!Port::kCoherent) return;
    if (bytes <= (answers ? kMostDemotedOfAnswer : kMostDemoted)) demote_all(place, bytes);
  }

  // Contiguous room in the payload area. Counters run freely; the rest of the area is skipped if it is too short, or if
  // what goes through the caches would leave the few lines that stay near.
  int reserve(std::uint32_t length, CopyWay way, std::uint32_t* offset) noexcept {
    const std::uint32_t size = static_cast<std::uint32_t>(round_up(length, kCacheLine));
    const std::uint32_t end = way == CopyWay::kCached ? cached_end(size) : payload_size_;
    if (const int error = find_room(size, end)) return error;
    const std::uint32_t skip = skipped(size, end);
    *offset = skip != 0 ? 0 : payload_offset_;
    last_offset_ = *offset;
    last_size_ = way == CopyWay::kCached ? size : 0;
    payload_offset_ = *offset + size == payload_size_ ? 0 : *offset + size;
    payload_head_ += size + skip;
    return 0;
  }
  int find_room(std::uint32_t size, std::uint32_t end) noexcept {
    if (make_room(size, end)) return 0;
    if (const int error = take_credits()) return error;
    return make_room(size, end) ? 0 : -EAGAIN;
  }
  bool make_room(std::uint32_t size, std::uint32_t end) noexcept {
    // An empty area is begun anew rather than that anything be skipped.
    if (payload_tail_ == payload_head_ && payload_offset_ + size > end) payload_offset_ = 0;
    return room() >= size + skipped(size, end);
  }
  // Not of what the reader may still be reading: that would take the lines away from it.
  void prefetch_place(std::size_t longest, std::size_t most) const noexcept {
    const std::uint32_t skip = skipped(last_size_, cached_end(last_size_));
    if (last_size_ > longest || room() < last_size_ + skip) return;
    prefetch_lines(payload_ + (skip != 0 ? 0 : payload_offset_), std::min<std::size_t>(last_size_, most));
  }
  static void prefetch_lines(const std::byte* place, std::size_t bytes) noexcept {
    for (std::size_t line = 0; line < bytes; line += kCacheLine) prefetch_to_write(place + line);
  }

  // Of messages like the last one with bytes in the area.
  bool fetches_ahead() const noexcept {
    return Port::kCoherent && demotes_ && last_size_ > kMostDemotedOfAnswer && last_size_ <= kLongestFetchedAhead;
  }
  // Where the next one of those goes, if the area is empty by then.
  std::uint32_t other_place() const noexcept {
    const std::uint32_t second = std::max<std::uint32_t>(kPageSize, last_size_);
    return last_offset_ == 0 && second + last_size_ <= payload_size_ ? second : 0;
  }

  // Where places of so many bytes that go through the caches end.
  std::uint32_t cached_end(std::uint32_t size) const noexcept {
    return std::min(std::max(window_, 2 * size), payload_size_);
  }

  std::uint32_t room() const noexcept { return payload_size_ - (payload_head_ - payload_tail_); }
  std::uint32_t skipped(std::uint32_t size, std::uint32_t end) const noexcept {
    return payload_offset_ + size > end ? payload_size_ - payload_offset_ : 0;
  }

  int take_credits() noexcept {
    const auto tail = static_cast<std::uint32_t>(Port::load(progress_.tail));  // A3, see FifoRx::return_credits
    if (tail - line_tail_ > head_ - line_tail_) return -EPROTO;
    line_tail_ = tail;
    credited(tail);
    return 0;
  }

  // Requires: a tail that the peer may have.
  void advance(std::uint32_t tail) noexcept {
    if (tail == tail_) return;
    tail_ = tail;
    // The line may be long in being looked at: it must not fall behind by so much that its distance comes round.
    if (tail_ - line_tail_ > kLongBehind) line_tail_ = tail_ - kLongBehind;
    payload_tail_ = payload_marks_[(tail - 1) & mask_];
    // An empty area is begun anew: the fewer lines go to and fro, the nearer they are.
    if (payload_tail_ == payload_head_) payload_offset_ = fetches_ahead() ? other_place() : 0;
  }

  // Written by us for each message.
  Slot* const slots_;
  const std::uint32_t mask_;
  std::uint32_t head_;       // slots written
  std::uint32_t tail_;       // slots known to be consumed
  std::uint32_t line_tail_;  // what progress_.tail said last: behind tail_ where messages carried tails
  const SharedWord* const polled_;
  const ProgressLine& progress_;
  std::byte* payload_;
  std::uint32_t payload_size_;
  const std::uint32_t max_payload_;
  std::uint32_t payload_offset_ = 0;
  std::uint32_t last_offset_ = 0;   // of what reserve() gave last
  std::uint32_t last_size_ = 0;     // likewise; 0: for bytes that went past the caches
  bool last_in_area_ = false;       // the last message had bytes there
  std::uint32_t payload_head_ = 0;  // bytes reserved, skipped ones included
  std::uint32_t payload_tail_ = 0;
  const bool demotes_;
  const std::uint32_t window_ = cached_window(demotes_);
  CopyChoice choice_;
  const std::unique_ptr<std::uint32_t[]> payload_marks_;  // payload_head_ after each slot still in flight
};

}  // namespace anchor
