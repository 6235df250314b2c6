// SPDX-License-Identifier: BSD-2-Clause
// Both ends of a FIFO over plain memory, and messages whose bytes can be told apart.
#pragma once

#include <criterion/criterion.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "dma/shm_port.h"
#include "fifo/fifo_rx.h"
#include "fifo/fifo_tx.h"

namespace anchor::unit {

inline constexpr BlockGeometry kSmallest{kMinSlots, kMinPayloadArea};

struct FreeMemory {
  void operator()(std::byte* memory) const noexcept { std::free(memory); }
};

// Zeroed and page-aligned, exactly as long as asked for, so that a sanitizer sees the first byte too many.
inline std::unique_ptr<std::byte[], FreeMemory> zeroed(std::size_t bytes) {
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(kPageSize, round_up(bytes, kPageSize)));
  std::memset(memory, 0, bytes);
  return std::unique_ptr<std::byte[], FreeMemory>(memory);
}

// Bytes that repeat after a prime number only: shifted ones differ.
inline const std::byte* pattern(std::uint32_t seed) {
  static const auto bytes = [] {
    std::array<std::byte, kMaxPayloadArea + 251> made;
    for (std::size_t i = 0; i < made.size(); ++i) made[i] = static_cast<std::byte>(i % 251);
    return made;
  }();
  return bytes.data() + seed % 251;
}

struct FifoPair {
  explicit FifoPair(const BlockGeometry& with = kSmallest, std::uint32_t start = 0,
                    bool demotes = processor_features().cldemote)
      : geometry(with),
        block(zeroed(with.size())),
        tx(block.get(), with, own, start, true, demotes),
        rx(block.get(), with, start, demotes) {
    own.progress.tail.store(start);
    rx.return_to(own.progress);
  }

  // A message of `length` bytes of pattern(seed), inline if it fits.
  int put(std::uint32_t seed, std::uint32_t length, bool in_area) {
    iovec segment{const_cast<std::byte*>(pattern(seed)), length};
    OutgoingMessage message{.operation = Operation::kTaggedEager, .length = length, .tag = seed, .data = ~seed};
    message.flags = in_area ? kInArea : 0;
    message.segments = &segment;
    message.segment_count = 1;
    return tx.put(message);
  }
  int put(std::uint32_t seed, std::uint32_t length = 8) { return put(seed, length, length > kInlineSize); }

  // Whether the next message is the one that put() made; it is consumed.
  bool take(std::uint32_t seed, std::uint32_t length = 8) {
    const IncomingMessage* message = rx.peek();
    const bool right = message != nullptr && message->operation == Operation::kTaggedEager && message->tag == seed &&
                       message->data == static_cast<std::uint64_t>(~seed) && message->length == length &&
                       std::memcmp(message->payload, pattern(seed), length) == 0;
    if (message != nullptr) rx.consume();
    return right;
  }

  // As the progress loop does: finding nothing returns what is left of the credits.
  bool empty() {
    if (rx.peek() != nullptr) return false;
    rx.return_all();
    return true;
  }

  Slot& slot(std::uint32_t position) {
    return reinterpret_cast<Slot*>(block.get() + geometry.slots_offset())[position % geometry.slot_count];
  }

  const BlockGeometry geometry;
  const std::unique_ptr<std::byte[], FreeMemory> block;
  BlockHead own{};  // of the writer
  FifoTx<ShmPort> tx;
  FifoRx<ShmPort> rx;
};

}  // namespace anchor::unit
