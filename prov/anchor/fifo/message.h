// SPDX-License-Identifier: BSD-2-Clause
// What travels in a slot: operations, their flags, and the bodies of control messages. FORMAT.md describes each.
#pragma once

#include <sys/uio.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "fifo/fifo_layout.h"

namespace anchor {

enum class Operation : std::uint8_t {
  kNone = 0,
  kGrant = 1,           // connection set-up: the block granted in return
  kRefuse = 2,          // connection set-up: no block to be had
  kEager = 3,           // untagged message with its bytes
  kTaggedEager = 4,     // tagged message with its bytes
  kAnnounce = 5,        // untagged message that stays with the sender until it is asked for
  kTaggedAnnounce = 6,  // likewise, tagged
  kClearToSend = 7,     // receiver to sender of an announced message: send its bytes, or copy some of them
  kChunk = 8,           // a part of such a message
  kFinish = 9,          // receiver to sender: the message has been delivered, or why not
  kGoodbye = 10,        // the endpoint is closing; nothing follows
  kRemoteWrite = 11,    // bytes for the receiver's memory
  kRemoteRead = 12,     // bytes wanted from it
  kReadChunk = 13,      // a part of those
  kRemoteNotice = 14,   // its memory was read or written directly: to be counted, or with remote data
  kRemoteFinish = 15,   // a remote operation has ended, or why not
  kAtomic = 16,         // an operation on words of the receiver's memory
  kAtomicReply = 17,    // what they held before
  kOfferArea = 18,      // receiver to sender: a larger payload area
  kTakeArea = 19,       // sender to receiver: the bytes of what follows lie there
  kRemoteShare = 20,    // a long read or write of the receiver's memory that both may copy
  kPlaced = 21,         // sender to receiver: all bytes of such a message lie where kClearToSend said
  kCopyFronts = 22,     // receiver to sender of announced messages: copy the beginnings of several
};
inline constexpr std::size_t kOperationCount = 23;

enum MessageFlag : std::uint8_t {
  kHasRemoteData = 1,  // `data` is for the receiver's completion
  kInArea = 2,         // the bytes lie in the payload area (body: AreaPlace first)
  kWantFinish = 4,     // answer with kFinish for AreaBody::request once delivered
  kWithdrawable = 8,   // kRemoteWrite, kRemoteRead: the whole of an operation, which its sender may carry out itself
  kCarriesTail = 16,   // with kInArea: the second word of the body is a tail
  kStreamed = 32,      // with kInArea: the bytes were written past the caches (copy_choice.h); for measuring only
};
inline constexpr std::uint8_t kKnownFlags =
    kHasRemoteData | kInArea | kWantFinish | kWithdrawable | kCarriesTail | kStreamed;
// Unknown ones, and a tail that would have no place.
inline constexpr std::uint8_t kRefusedWithoutArea = static_cast<std::uint8_t>(~kKnownFlags) | kCarriesTail;

// Bodies: the last 40 bytes of a slot. Every message with kInArea begins with AreaPlace, or with its first word.
struct AreaPlace {
  std::uint32_t offset;  // in the payload area
  std::uint32_t tail;    // with kCarriesTail: slots of the other direction that the writer has consumed
};
struct AreaBody {
  std::uint32_t offset;  // in the payload area
  std::uint32_t tail;
  std::uint64_t request;  // the sender's name for the message, 0 if it wants no answer
};

// The message's segments: in the body if it is one, else an array of RemoteSegment in the payload area.
struct RemoteSegment {
  std::uint64_t address;
  std::uint64_t length;
};
struct AnnounceBody {
  std::uint32_t offset;  // in the payload area, with kInArea
  std::uint32_t segment_count;
  std::uint64_t request;
  std::uint64_t length;   // of the whole message
  std::uint64_t address;  // of the only segment
};
struct ClearToSendBody {
  std::uint64_t request;   // from the announcement
  std::uint64_t transfer;  // the receiver's name for the copy
  std::uint64_t length;    // bytes wanted, from the start
  // With an offer's number in the slot's data: where the first belongs in the receiver's process, and the bytes of each
  // piece but the last (share.h). Else: their place on the device (LocalRegion::place_of), where the sender may put
  // them, or 0; and 0.
  std::uint64_t receiver_address;
  std::uint64_t piece;
};
struct ChunkBody {
  std::uint32_t offset;  // in the payload area
  std::uint32_t tail;
  std::uint64_t transfer;  // from kClearToSend
};
// The sender may copy the first `bytes` of each of these messages to `address` in the receiver's process: all of them
// are the first of two pieces (share.h), whose offer's number is the slot's data. In-area.
struct MessageFront {
  std::uint64_t request;  // from the announcement
  std::uint64_t address;
  std::uint64_t bytes;
};
inline constexpr std::size_t kMostFronts = 16;  // of one offer
struct PlacedBody {
  std::uint64_t transfer;  // from kClearToSend
};
struct FinishBody {
  std::uint64_t request;
  std::int64_t status;  // 0, or a negated errno value
};
struct GrantBody {
  std::uint64_t incarnation;  // of the endpoint that is answered
  BlockDescriptor block;
};
struct RefuseBody {
  std::uint64_t incarnation;
  std::int64_t status;
};
// Remote memory. The slot's tag is the region's key.
struct RemoteWriteBody {
  std::uint32_t offset;       // in the payload area
  std::uint32_t ends_target;  // 1: the last bytes for this region, which counts an access
  std::uint64_t request;  // the initiator's name for the operation, with its last bytes: asks for kRemoteFinish; else 0
  std::uint64_t address;  // of the bytes of this message
  std::uint64_t written;  // by the whole operation
};
struct RemoteReadBody {
  std::uint64_t request;
  std::uint64_t address;
  std::uint64_t length;
  std::uint64_t position;  // in the operation, of the first of these bytes
  std::uint32_t last;      // 1: the last target of its operation
  std::uint32_t reserved;
};
struct ReadChunkBody {
  std::uint32_t offset;  // in the payload area
  std::uint32_t tail;
  std::uint64_t request;
  std::uint64_t position;
};
struct RemoteNoticeBody {
  std::uint64_t length;   // read or written by the whole operation
  std::uint64_t request;  // asks for kRemoteFinish if not 0
  std::uint32_t rights;   // ProtectionRight: kMayRead, or kMayWrite
  std::uint32_t last;     // 1: the last notice of its operation
};
struct OfferAreaBody {
  std::uint64_t offset;  // in the region of who offers it
  std::uint64_t bytes;
};
struct RemoteFinishBody {
  std::uint64_t request;
  std::int64_t status;
};

// The receiver may copy pieces of it (share.h). The slot's data is the offer's number.
struct RemoteShareBody {
  std::uint64_t address;
  std::uint64_t length;
  std::uint64_t initiator_address;  // where the other end of the bytes lies in the sender's process
  std::uint32_t piece;              // bytes of each piece but the last
  std::uint32_t rights;             // kMayRead: from the receiver to the sender; kMayWrite: the other way
};

// An operation on `length` bytes of elements. The numbers are those of core/atomic_types.h. The only target is named by
// the slot: its tag is the region's key, its data the address. Several are an array of RemoteTarget before the values:
// operand, then what to compare with. What fits behind this in the body stands there.
struct AtomicBody {
  std::uint32_t offset;  // in the payload area, with kInArea
  std::uint8_t type;
  std::uint8_t operation;
  std::uint8_t family;
  std::uint8_t target_count;
  std::uint32_t length;
  std::uint32_t reserved;
  std::uint64_t request;
};

// The positive errno value that a status other than 0 stands for; it is the peer's, and may be anything.
constexpr int error_in(std::int64_t status) noexcept {
  return status < 0 && status > -4096 ? static_cast<int>(-status) : EPROTO;
}

template <class Body>
concept SlotBody = std::is_trivially_copyable_v<Body> && sizeof(Body) <= kInlineSize;

// ProgressLine::pulled: a digest of the transfer's name (16 bits) and the lowest byte copied (48). Zero is no word:
// nothing was pulled yet, or what was is finished.
constexpr std::uint64_t pulled_word(std::uint64_t transfer, std::uint64_t position) noexcept {
  return (transfer ^ transfer >> 32 ^ 0x8000) << 48 | position;
}
constexpr bool pulled_of(std::uint64_t word, std::uint64_t transfer) noexcept {
  return word != 0 && word >> 48 == pulled_word(transfer, 0) >> 48;
}
constexpr std::uint64_t pulled_position(std::uint64_t word) noexcept { return word & ((1ull << 48) - 1); }

// A message on its way out. Its bytes are gathered from `segments`; with kInArea `body` begins with an AreaPlace and
// the FIFO fills in its offset, and with kCarriesTail its tail.
struct OutgoingMessage {
  Operation operation;
  std::uint8_t flags = 0;
  std::uint32_t length = 0;  // bytes in segments: at most kInlineSize, or max_payload() with kInArea
  std::uint64_t tag = 0;
  std::uint64_t data = 0;
  const iovec* segments = nullptr;
  std::uint32_t segment_count = 0;
  std::uint64_t body[kInlineSize / 8] = {};

  template <SlotBody Body>
  void set_body(const Body& value) noexcept {
    std::memcpy(body, &value, sizeof value);
  }
};

// The first word of a message whose bytes fit a slot (Channel::send_small): `length` is at most kInlineSize.
constexpr std::uint32_t small_kind(Operation operation, std::uint8_t flags, std::size_t length) noexcept {
  return SlotHead::kind(static_cast<std::uint8_t>(operation), flags, static_cast<std::uint16_t>(length));
}

// A message as received: a private copy of the slot. `payload` points to `length` bytes inside the copy or, with
// kInArea, in the payload area, where the sender may still scribble: read it once.
struct IncomingMessage {
  Operation operation;
  std::uint8_t flags;
  std::uint32_t length;
  const std::byte* payload;
  std::uint64_t tag;
  std::uint64_t data;
  std::uint64_t body[kInlineSize / 8];

  template <SlotBody Body>
  Body body_as() const noexcept {
    Body value;
    std::memcpy(&value, body, sizeof value);
    return value;
  }
};

}  // namespace anchor
