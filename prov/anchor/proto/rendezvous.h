// SPDX-License-Identifier: BSD-2-Clause
// Announced messages: from the announcement that met its receive to kFinish.
//
// The receiver gives a clear to send, and the sender streams the message through the payload area from the front: both
// sides copy at the same time, out of and into their own caches. Or, if that has turned out to be faster, both copy
// pieces of it from one process's memory into the other's (rendezvous_share.cpp, share_offer.h), or parts of several at
// once (rendezvous_fronts.cpp). A sender that is not in its progress loop sends nothing; then the receiver reads the
// sender's memory by cross-memory attach, from the back. The two meet somewhere; bytes that both moved are the same
// bytes. Where cross-memory attach is refused, all of them are streamed. (Why streaming comes first: FORMAT.md, "Large
// messages".) What a peer on another host receives in the device's memory is put there by the sender
// (rendezvous_placed.cpp).
#pragma once

#include <span>

#include "proto/exchange.h"
#include "proto/handlers.h"

namespace anchor {

// Empty polls of the sender's FIFO after which the receiver helps itself. An active sender answers within a dozen; a
// system call costs as much as about two hundred.
inline constexpr std::uint32_t kPatience = 200;
// Bytes read by one system call, or half of those of several messages: long ones take turns with everything else.
inline constexpr std::uint64_t kPullSize = 256u << 10;
// A receiver whose passes are far between reads everything by itself, without asking: each areaful of streaming would
// take another of its turns. That is so where processes share a processor, and where an application computes while its
// messages arrive. Two late passes in a row tell; a single one is an interrupt. Each pass that follows at once, and
// each transfer that took no second pass, makes it less certain.
inline constexpr std::uint32_t kAbsence = 4;  // what a late pass adds
inline constexpr std::uint32_t kAbsent = 8;   // from here on it is certain
inline constexpr std::uint32_t kMostAbsence = 16;
inline constexpr std::uint64_t kAbsentPullSize = 2u << 20;

inline bool is_absent(const Exchange& exchange) noexcept { return exchange.absence >= kAbsent; }

// Receiver: starts moving an announced message into `receive`.
void begin_transfer(Exchange& exchange, ReceiveRequest& receive, const Envelope& envelope,
                    const RemoteSegments& segments);
// Receiver: a pass begins, or ends, while something is on its way in.
void note_return(Exchange& exchange) noexcept;
void note_leave(Exchange& exchange) noexcept;
// Receiver: begins what has its turn, and reads a part of each message that it copies itself, or whose sender is
// silent. Returns whether bytes came in, or one ended.
bool pull_stalled(Exchange& exchange);
// Receiver: notes how long it took, for the choice of the way of the next one; `together`: bytes that came in that
// time.
void note_duration(const IncomingTransfer& transfer, std::uint64_t together) noexcept;
// Receiver: ends a transfer; `error`: 0 or a positive errno value, told to the sender and to the application. One that
// is kMoved has been told, and ends without error.
void finish_transfer(Exchange& exchange, IncomingTransfer& transfer, int error);
// Receiver: `received` bytes of a message that needs no transfer are there; tells the sender, and ends the receive.
void tell_delivered(Exchange& exchange, ReceiveRequest& receive, const Envelope& envelope, std::size_t offset,
                    std::size_t received);
Verdict on_chunk(Exchange& exchange, Peer& peer, const IncomingMessage& message);

// Receiver: where the message goes, if that is in one piece; {}: it is not.
iovec landing_of(const IncomingTransfer& transfer) noexcept;
// Receiver: whether both ends may copy it.
bool can_be_shared(const IncomingTransfer& transfer) noexcept;
// Offers the sender to copy a part of one that goes kShared from now on. Requires can_be_shared(), may_offer().
void offer_transfer(Exchange& exchange, IncomingTransfer& transfer);
// Moves a piece of it, or has it streamed when that cannot be done. Returns as pull_stalled() does.
bool move_a_piece(Exchange& exchange, IncomingTransfer& transfer);

// Receiver: whether both ends may copy these, all of one sender's: the front of each, and what is behind it.
bool fronts_can_be_shared(std::span<IncomingTransfer* const> transfers) noexcept;
// Offers the sender to copy the fronts of those, which go kShared from now on, and are all that do. Requires
// fronts_can_be_shared().
void offer_fronts(Exchange& exchange, std::span<IncomingTransfer* const> transfers);
// One of several that are shared: moves what is ours of all of them, or has them streamed when that cannot be done;
// once all are there, ends this one. Returns as pull_stalled() does.
bool move_fronts(Exchange& exchange, IncomingTransfer& transfer);
// Sender.
Verdict on_copy_fronts(Exchange& exchange, Peer& peer, const IncomingMessage& message);

// Receiver: it comes that way from now on.
void set_way(IncomingTransfer& transfer, TransferWay way) noexcept;
// Has the sender stream it. What the receiver has not read by then is moved, or all of it.
void ask_for_stream(Exchange& exchange, IncomingTransfer& transfer);

// Receiver: what the sender is to call the memory that the transfer goes to; 0: it cannot get there.
std::uint64_t place_of(const Exchange& exchange, const IncomingTransfer& transfer) noexcept;
Verdict on_placed(Exchange& exchange, Peer& peer, const IncomingMessage& message);

// Bytes that a pass puts where they belong: long messages take turns with everything else.
inline constexpr std::uint64_t kPlacedSize = 256u << 10;
// Sender: puts up to `*allowance` bytes of it there, and takes them off. 0: all is there, and the receiver told.
// -EAGAIN: more in a later pass. -EIO: the memory has gone.
int push_placed(SendRequest& request, std::uint64_t* allowance) noexcept;
// Sender: the announced request that `id` of a message from `peer` names; nullptr if it is none of this peer's.
SendRequest* find_announced(Exchange& exchange, const Peer& peer, std::uint64_t id) noexcept;
// Sender: as many chunks as there is room for.
void push_streams(Exchange& exchange);
// Sender: takes the request off the list of those being streamed.
void stop_streaming(Exchange& exchange, SendRequest& request) noexcept;
Verdict on_clear_to_send(Exchange& exchange, Peer& peer, const IncomingMessage& message);
Verdict on_finish(Exchange& exchange, Peer& peer, const IncomingMessage& message);

}  // namespace anchor
