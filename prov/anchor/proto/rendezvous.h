// SPDX-License-Identifier: BSD-2-Clause
// Announced messages: from the announcement that met its receive to kFinish.
//
// The receiver decides how the bytes move: it reads the sender's memory; for long messages it asks the sender to copy
// from the other end at the same time (cooperate.h); where the sender's memory is out of reach it asks for chunks
// through the FIFO (chunks.h). The sender keeps the buffer until kFinish.
#pragma once

#include "proto/exchange.h"
#include "proto/handlers.h"

namespace anchor {

// Bytes moved for one message in one pass: long messages take turns with everything else.
inline constexpr std::size_t kPullChunk = 256u << 10;

// Receiver: starts moving an announced message into `receive`.
void begin_transfer(Exchange& exchange, ReceiveRequest& receive, const Envelope& envelope,
                    const RemoteSegments& segments);
// Receiver: one step of each transfer that this side moves.
void pull_transfers(Exchange& exchange);
// Receiver: ends a transfer; `error`: 0 or a positive errno value, told to the sender and to the application.
void finish_transfer(Exchange& exchange, IncomingTransfer& transfer, int error);

// Copies up to `length` bytes at `position` of the message. Returns bytes copied or a negated errno value.
std::ptrdiff_t pull_bytes(const IncomingTransfer& transfer, std::uint64_t position, std::size_t length) noexcept;

// Sender: the message was delivered.
Verdict on_finish(Exchange& exchange, Peer& peer, const IncomingMessage& message);
// Sender: the announced request that `id` of a message from `peer` names; nullptr if it is none of this peer's.
SendRequest* find_announced(Exchange& exchange, const Peer& peer, std::uint64_t id) noexcept;
// Sender: takes the request off the lists of those that we move ourselves.
void stop_moving(Exchange& exchange, SendRequest& request) noexcept;

Verdict on_cooperate(Exchange& exchange, Peer& peer, const IncomingMessage& message);
Verdict on_send_chunks(Exchange& exchange, Peer& peer, const IncomingMessage& message);
Verdict on_chunk(Exchange& exchange, Peer& peer, const IncomingMessage& message);

}  // namespace anchor
