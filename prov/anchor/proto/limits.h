// SPDX-License-Identifier: BSD-2-Clause
// Sizes that applications see in fi_info, and the thresholds between protocols.
#pragma once

#include <cstddef>
#include <cstdint>

namespace anchor {

// Largest fi_inject: such a message never needs the rendezvous protocol, whatever the FIFO's geometry.
inline constexpr std::size_t kInjectSize = 4096;

// Bytes of the elements of one atomic operation: it can always be injected. Twice as many, the operand and what to
// compare with, fit the smallest FIFO.
inline constexpr std::size_t kMaxAtomicSize = 4096;
static_assert(kMaxAtomicSize <= kInjectSize);

// A position in a message has 48 bits in one place (ProgressLine, fifo/fifo_layout.h); half of that leaves room.
inline constexpr std::uint64_t kMaxMessageSize = 1ull << 47;

// Sends outstanding at once on an endpoint, at most. Each may cost its receiver one control message at a time, which
// the receiver keeps while the sender's FIFO is full: fewer would have two peers wait for each other.
inline constexpr std::size_t kMaxTransmitSize = 1u << 16;

}  // namespace anchor
