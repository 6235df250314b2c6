// SPDX-License-Identifier: BSD-2-Clause
// Everything an endpoint knows of one other endpoint. Owned by the PeerTable, used under the endpoint's lock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>

#include "core/intrusive_list.h"
#include "core/work_request.h"
#include "dma/device.h"
#include "fifo/anchor_record.h"
#include "fifo/channel.h"
#include "fifo/protection_copy.h"
#include "fifo/protection_view.h"
#include "os/clock.h"
#include "proto/mapped_rows.h"
#include "proto/pass_count.h"
#include "proto/requests.h"
#include "proto/send_stream.h"
#include "proto/transfer_choice.h"

namespace anchor {

enum class PeerState : std::uint8_t {
  kIdle,     // nobody needed it yet, or it went away
  kSeeking,  // looked for at intervals: not there yet, or its contact table is full
  kAsked,    // our request is in its contact table
  kConnected,
  kLeaving,  // it died or said goodbye; what it left in our FIFO is still to be read
};

// Whether a peer looks at its FIFO: what small reads and writes go by (rma_take_over.cpp).
struct Attention {
  static constexpr std::uint32_t kFirstPenalty = 64;
  static constexpr std::uint32_t kLastPenalty = 4096;

  std::uint32_t silent_passes = 0;        // since it last answered one of them
  std::uint32_t direct_left = 0;          // as many go directly before the FIFO is tried again
  std::uint32_t penalty = kFirstPenalty;  // the next value of that
};

// A long transfer that the other end may copy a part of (fifo/share.h): one that we want, and one that the peer wants.
struct OfferedShare {
  bool active = false;  // it is the first in Peer::waiting, or what IncomingTransfers are kShared
  std::uint16_t number = 0;
  std::uint32_t piece = 0;  // bytes; 0: the fronts of several messages, or what is behind them
  std::uint32_t pieces = 0;
  std::uint32_t passes = 0;  // in which the last piece was left to the peer
  int error = 0;             // negated: it ends as soon as the peer is done with its part
};
struct TakenShare {
  std::uint32_t piece = 0;    // bytes of each but the last
  std::uint32_t rights = 0;   // AccessRight, of our memory
  std::uint64_t request = 0;  // a message that we have announced; 0: memory of ours, as the peer names it:
  std::uint64_t key = 0;
  std::uint64_t address = 0;
  std::uint64_t initiator_address = 0;  // in the peer's process
  std::uint64_t length = 0;

  bool active = false;
  std::uint16_t number = 0;
  std::uint32_t pieces = 0;
  std::uint32_t copied = 0;  // pieces
};

// Of its death, to us while we sleep: not asked for yet, not possible, promised, or come, perhaps before it was true.
enum class DeathNotice : std::uint8_t { kUnasked, kNone, kPromised, kGiven };

struct Peer {
  // Read for each message.
  std::unique_ptr<Channel> channel;  // kAsked: receives only
  PeerState state = PeerState::kIdle;
  bool polled = false;                  // stands in Exchange::polled
  bool told = false;                    // it knows that it is polled
  bool starving = false;                // stands in Exchange::starving
  bool backlogged = false;              // stands in Exchange::backlogged
  bool refused = false;                 // what it sent last has to wait for the application
  std::uint32_t number = 0;             // the matcher's name for it
  std::uint32_t heard_in_pass = 0;      // Exchange::passes when it was last found to have a message
  std::uint64_t address = kAnyAddress;  // its lowest fi_addr_t
  // What completions say in its place: FI_AV_USER_ID.
  std::uint64_t reported = kAnyAddress;
  IntrusiveList<SendRequest, &SendRequest::waiting> waiting;
  std::deque<OutgoingMessage> control;  // control messages that found the FIFO full
  std::list<OwedReply> replies;         // likewise
  std::size_t owed_bytes = 0;           // in them
  std::uint32_t unanswered = 0;         // RemoteRequests that its messages will end
  std::uint32_t unanswered_reads = 0;   // those of them that read its memory
  std::uint32_t served_reads = 0;       // ServedReads of it
  Attention attention;
  OfferedShare offered;                 // an operation of ours
  TakenShare taken;                     // one of its
  std::uint32_t helped_in_pass = ~0u;   // Exchange::passes when we last put fronts of several of our messages
  std::uint32_t stalled_in_pass = ~0u;  // Exchange::passes when there was no room to stream one of our messages
  SendStream stream;                    // of sends to it
  // Its announced messages.
  TransferChoice choice;
  std::array<std::uint32_t, kTransferWays> arriving{};  // how many are on their way in, by TransferWay
  std::uint32_t held_in_pass = ~0u;  // Exchange::passes when one of them had to wait, or had its turn
  TimePoint delivered{};             // the last of them
  // Streams of reads and writes (rma_batch.cpp).
  PassCount begun;
  bool gathering = false;  // what waits could have been moved at once
  // RemoteRequests in its FIFO, all unanswered, that we may carry out ourselves, in the order of their numbers.
  IntrusiveList<SendRequest, &SendRequest::moving> withdrawable;
  int write_error = 0;                 // negated: of the write whose bytes it is sending
  bool wrote_mapped = false;           // its memory, by stores, since it was last read by loads
  std::uint32_t detours = 0;           // in a row, of operations on mapped memory through the FIFO
  std::unique_ptr<MappedRows> mapped;  // its memory that is also ours
  std::unique_ptr<DirectCopy> direct;  // nullptr: its memory is out of reach, bytes go through the FIFO
  std::size_t unexpected_bytes = 0;
  std::uint32_t unexpected_messages = 0;

  // Connection set-up and loss.
  // Nobody is waited for who may have its name next: it died without closing its endpoint, or the name is unique.
  bool gone = false;
  EndpointName name;
  std::unique_ptr<RemoteRegion> region;
  DeathNotice notice = DeathNotice::kUnasked;
  Mapping header;
  AnchorContents contents{};
  std::unique_ptr<ProtectionView> protection;  // made when its memory is first wanted
  std::unique_ptr<ProtectionCopy> copied;      // of what that says, distant()
  bool direct_tried = false;                   // nullptr in `direct` is final
  BlockDescriptor granted{};                   // our block for it; granted.offset 0: none
  std::uint64_t area_offset = 0;               // our larger payload area for it; 0: none
  BlockDescriptor received{};                  // its block for us
  bool may_write = false;                      // it was told of `granted`, and has neither left nor refused since
  int loss = 0;                                // kLeaving: the error its requests end with
  std::uint32_t last_messages = 0;             // kLeaving: received since
  TimePoint next_attempt{};
  Milliseconds retry_interval{};  // to the attempt after that
  TimePoint deadline{};

  // Its memory is another host's: bytes go through the FIFO, and it checks by itself what we want of its memory.
  bool distant() const noexcept { return region != nullptr && region->distant(); }
  bool ready() const noexcept { return state == PeerState::kConnected && waiting.empty(); }
};

}  // namespace anchor
