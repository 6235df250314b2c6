// SPDX-License-Identifier: BSD-2-Clause
// Which FIFOs are looked at in every pass. Recently active ones are; the others announce themselves on the notification
// board, and a slow rotating sweep looks at them too, in case a notification crossed with our decision to stop polling.
#pragma once

#include "proto/exchange.h"

namespace anchor {

// Up to so many FIFOs are polled however idle they are: looking at one costs about 4 ns, and a bell that rings for a
// first message about 100.
inline constexpr std::size_t kFreePolls = 4;
// After so many passes without a message, and twice as many at the latest, a FIFO beyond those is left to the board.
inline constexpr std::uint32_t kIdlePolls = 1024;
// While messages come in, or every FIFO is polled, the board is looked at once in so many passes.
inline constexpr std::uint32_t kPassesPerScan = 8;
static_assert(kIdlePolls % kPassesPerScan == 0);  // most passes ask for neither with one look
// Messages taken from one FIFO in one pass: the others get their turn.
inline constexpr unsigned kMessagesPerPoll = 32;

void start_polling(Exchange& exchange, Peer& peer) noexcept;
void stop_polling(Exchange& exchange, Peer& peer) noexcept;

// Receives from every polled FIFO, and from those whose bell has rung on the line of the board whose turn it is.
// Returns whether there was a message.
bool poll_peers(Exchange& exchange);
// Looks at one FIFO that is not polled.
void sweep_one(Exchange& exchange);

// The same at once, by who goes to sleep or has just woken: the whole board, and every FIFO that is not polled.
void hear_all(Exchange& exchange);
void sweep_all(Exchange& exchange);

}  // namespace anchor
