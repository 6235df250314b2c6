// SPDX-License-Identifier: BSD-2-Clause
// Long messages, copied by both sides at once: the receiver reads from the front, the sender writes from the back, both
// by the kernel's cross-process copy, until they meet. (Measured at 1 MiB: 13 GB/s by one side, 22 by both.)
//
// Each side claims a part before it copies it, in a word of its own, and then looks at the other's claim; both are
// sequentially consistent, so of two overlapping claims at least one side sees the other's. The sender yields: it
// withdraws its claim and leaves. The receiver is done when the sender's claim and the sender's finished part both
// begin where its own part ends; the sender can then never write again, since every byte is claimed. So the receiver
// waits only for a copy that is in progress, never for the sender to be in its progress loop.
#pragma once

#include "proto/exchange.h"

namespace anchor {

// Below this, the second message and the second pair of system calls cost more than they bring.
inline constexpr std::uint64_t kCooperateFrom = 256u << 10;
inline constexpr std::uint64_t kCooperateChunk = 64u << 10;

// Receiver.
bool worth_cooperating(const IncomingTransfer& transfer) noexcept;
void request_cooperation(Exchange& exchange, IncomingTransfer& transfer);
void pull_together(Exchange& exchange, IncomingTransfer& transfer);
// Receiver, when the buffer must be its own again before the transfer has ended: claims everything. True once the
// sender can write no more.
bool stop_cooperation(IncomingTransfer& transfer) noexcept;

// Sender: one step of each cooperative copy.
void push_cooperating(Exchange& exchange);

}  // namespace anchor
