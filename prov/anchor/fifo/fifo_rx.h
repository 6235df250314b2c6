// SPDX-License-Identifier: BSD-2-Clause
// The reading end of a FIFO, in our own memory, written by a peer that is not trusted: a slot is copied once, checked,
// then used.
//
// One instance per connection, used under its endpoint's lock.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "fifo/copy_choice.h"
#include "fifo/demotion_limits.h"
#include "fifo/fifo_layout.h"
#include "fifo/message.h"
#include "os/demotion.h"
#include "os/processor_features.h"

namespace anchor {

template <class Port>
class FifoRx {
 public:
  // `block`: our own block, zeroed before it was granted. `start`: the position of the first message, the same as its
  // writer's.
  FifoRx(const std::byte* block, const BlockGeometry& geometry, std::uint32_t start = 0,
         bool demotes = processor_features().cldemote) noexcept
      : slots_(reinterpret_cast<const Slot*>(block + geometry.slots_offset())),
        mask_(geometry.slot_count - 1),
        quarter_(geometry.slot_count / 4),
        position_(start),
        returned_(start),
        payload_(block + geometry.payload_offset()),
        payload_size_(geometry.payload_bytes),
        window_(cached_window(demotes)) {}

  // Where credits go, and none before: in the writer's own block. Once.
  void return_to(ProgressLine& line) noexcept { line_ = &line; }

  // The next message, or nullptr. It stays the next one until consume(). A slot that makes no sense sets broken().
  const IncomingMessage* peek() noexcept {
    const Slot& slot = slots_[position_ & mask_];
    const std::uint64_t head = Port::load(slot.head);
    if (SlotHead::position(head) != position_ + 1) return nullptr;
    message_.operation = static_cast<Operation>(SlotHead::operation(head));
    message_.flags = SlotHead::flags(head);
    message_.length = SlotHead::length(head);
    message_.tag = slot.tag;
    message_.data = slot.data;
    std::memcpy(message_.body, slot.body, sizeof message_.body);
    return locate_payload() ? &message_ : nullptr;
  }

  // Gives the slot back. Returns whether credits went to the writer.
  bool consume() noexcept {
    ++position_;
    // Every quarter of the ring, or of what its writer uses of the payload area, so that it never waits for the last
    // bit.
    bool due = position_ - returned_ >= quarter_;
    if (message_.flags & kInArea) [[unlikely]]
      due |= account_area();
    return due && return_credits();
  }

  // Behind a message came another, which peek() has found: has the line behind that brought here while it is handled.
  // 8-byte messages 27 ns each instead of 30, or 38 instead of 39, as near as the two processors are (Zen 4). Those
  // with bytes in the area gain nothing by it. And demotes the line of the one before: 33 ns instead of 37 (Xeon).
  void prefetch_stream() const noexcept {
    if constexpr (!Port::kCoherent) return;
    demote(&slots_[(position_ - 1) & mask_]);
    if ((message_.flags & kInArea) == 0) prefetch_to_read(&slots_[(position_ + 1) & mask_]);
  }

  // When nothing is there to read: a writer whose next message needs half of the area gets all of it back.
  bool return_all() noexcept { return owes_bytes() && return_credits(); }

  // Slots consumed.
  std::uint32_t position() const noexcept { return position_; }

  // Whether return_all() has something to do.
  bool owes_bytes() const noexcept { return unreturned_bytes_ != 0; }

  bool broken() const noexcept { return broken_; }

  // From the next message on the bytes come to another area, `bytes` of our own memory. Between peek() and consume().
  void move_area(const std::byte* area, std::uint32_t bytes) noexcept {
    payload_ = area;
    payload_size_ = bytes;
    unreturned_bytes_ = 0;
  }

  // Through the payload area, ever.
  std::uint64_t bytes_read() const noexcept { return bytes_read_; }

  // The head of the slot that the next message will come in, and the position that it will have.
  const SharedWord* next_head() const noexcept { return &slots_[position_ & mask_].head; }
  std::uint32_t next_position() const noexcept { return position_ + 1; }

 private:
  bool locate_payload() noexcept {
    if ((message_.flags & kInArea) == 0) {
      message_.payload = reinterpret_cast<const std::byte*>(message_.body);
      if (!broken_ && message_.length <= kInlineSize && (message_.flags & kRefusedWithoutArea) == 0) [[likely]]
        return true;
      broken_ = true;
      return false;
    }
    std::uint32_t offset;
    std::memcpy(&offset, message_.body, sizeof offset);
    message_.payload = payload_ + offset;
    if (message_.length >= kMinMeasured && is_timed(measurable_)) began_ = ticks();
    broken_ |=
        offset > payload_size_ || message_.length > payload_size_ - offset || (message_.flags & ~kKnownFlags) != 0;
    if (broken_) [[unlikely]]
      return false;
    Port::refresh(message_.payload, message_.length);
    return true;
  }

  // A message's bytes have been read. Whether their credits are due.
  bool account_area() noexcept {
    unreturned_bytes_ += message_.length + kCacheLine;
    bytes_read_ += message_.length;
    if constexpr (Port::kCoherent)
      if (message_.length <= kMostDemoted) demote_all(message_.payload, message_.length);
    if (message_.length >= kMinMeasured && is_timed(measurable_++)) measure();
    const std::uint32_t used = message_.flags & kStreamed ? payload_size_ : std::min(window_, payload_size_);
    return unreturned_bytes_ > used / 4;
  }

  // From peek() to consume(): whatever else is done there is done either way.
  void measure() noexcept {
    const CopyWay way = message_.flags & kStreamed ? CopyWay::kStreaming : CopyWay::kCached;
    costs_.add(way, ticks() - began_, message_.length);
    if (line_ != nullptr) Port::hint(line_->costs, costs_.word());
  }

  bool return_credits() noexcept {
    if (line_ == nullptr) return false;
    returned_ = position_;
    unreturned_bytes_ = 0;
    // R3, paired with A3 in FifoTx::take_credits: without it the writer could overwrite bytes that we still read.
    Port::publish(line_->tail, position_);
    return true;
  }

  const Slot* const slots_;
  const std::uint32_t mask_;
  const std::uint32_t quarter_;
  std::uint32_t position_;  // slots consumed
  std::uint32_t returned_;  // position_ as the writer knows it
  std::uint32_t unreturned_bytes_ = 0;
  ProgressLine* line_ = nullptr;  // in the writer's block; nullptr: not connected
  const std::byte* payload_;
  std::uint32_t payload_size_;
  const std::uint32_t window_;  // what its writer uses of it through the caches
  std::uint64_t bytes_read_ = 0;
  bool broken_ = false;
  CopyCosts costs_;
  std::uint32_t measurable_ = 0;  // messages of at least kMinMeasured bytes consumed: CopyChoice::turn_ of the writer
  std::uint64_t began_ = 0;       // ticks() at the last peek() of one that is timed
  IncomingMessage message_{};
};

}  // namespace anchor
