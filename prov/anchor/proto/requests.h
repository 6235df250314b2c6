// SPDX-License-Identifier: BSD-2-Clause
// Requests that outlive the call that made them. All live in the pools of one Exchange and are used under its
// endpoint's lock.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/atomic_types.h"
#include "core/intrusive_list.h"
#include "core/remote_work.h"
#include "core/request_pool.h"
#include "core/tag_match.h"
#include "core/work_request.h"
#include "fifo/message.h"
#include "os/clock.h"

namespace anchor {

struct Peer;

enum class SendState : std::uint8_t {
  kWaiting,    // in Peer::waiting: not in the peer's FIFO yet
  kSent,       // in the peer's FIFO with all that belongs to it; its end is awaited
  kAnnounced,  // likewise, but its bytes are here
  kStreaming,  // likewise, and the receiver asked for them
};

struct SendRequest {
  WorkRequest work{};  // work.segments points to `segments`
  iovec segments[kMaxSegments];
  std::unique_ptr<std::byte[]> copy;  // of an injected message that had to wait
  Peer* peer = nullptr;
  SendState state = SendState::kWaiting;
  Links<SendRequest> waiting{};  // Peer::waiting
  Links<SendRequest> moving{};   // Exchange::streaming, Peer::withdrawable
  // kStreaming: what the receiver asked for, how much of it has gone, and where it goes; nullptr: through the FIFO.
  std::uint64_t transfer = 0;
  std::uint64_t wanted = 0;
  std::uint64_t position = 0;
  std::byte* destination = nullptr;
};

// An RMA or atomic operation that could not end in the call that made it. In Peer::waiting it stands among the sends.
struct RemoteRequest : SendRequest {
  std::uint32_t target_count = 0;
  RemoteTarget targets[kMaxSegments];
  std::uint64_t left = 0;     // of a read through the FIFO: bytes still to come
  std::uint32_t notices = 0;  // bit i: the peer is still to be told of the access to target i
  bool moved = false;         // its bytes have been; only the notices are left
  bool shared = false;        // they are being, by both ends (rma_share.cpp)
  std::uint64_t number = 0;   // in the peer's FIFO as one that may be withdrawn (fifo/gate.h); 0: it is not

  // Atomic operations. Where the former values go.
  AtomicType atomic_type{};
  AtomicOperation atomic_operation{};
  std::uint32_t result_count = 0;
  iovec results[kMaxSegments];

  RemoteWork remote_work() const noexcept { return {work, target_count, targets}; }
};

// Former values that an atomic operation of a peer's is to be answered with.
struct OwedReply {
  std::uint64_t request;
  std::vector<std::byte> former;
};

struct ReceiveRequest : PostedReceive {
  // Set when it is posted.
  std::uint32_t flags;  // WorkFlag
  std::uint32_t segment_count;
  std::size_t length;
  void* context;
  std::size_t used;             // multi-receive: bytes given to messages so far
  std::uint32_t pending;        // messages on their way into the buffer
  std::uint32_t at_once_below;  // bytes: shorter messages go the usual way (arrival.cpp)
  bool tagged;
  bool posted;  // stands in its matcher
  bool open;    // takes further messages
  iovec segments[kMaxSegments];
};

// A message as its receiver sees it, wherever its bytes are.
struct Envelope {
  Peer* peer = nullptr;
  std::uint64_t tag = 0;
  std::uint64_t data = 0;
  std::uint64_t length = 0;
  std::uint64_t request = 0;  // the sender's name for it; 0: wants no kFinish
  std::uint8_t flags = 0;     // MessageFlag
  bool tagged = false;
};

// Where an announced message lies in the sender's process.
struct RemoteSegments {
  std::uint32_t count = 0;
  RemoteSegment list[kMaxSegments];
};

// Bytes of our memory that a peer wants through the FIFO.
struct ServedRead {
  Peer* peer = nullptr;
  std::uint64_t request = 0;   // the peer's name for its operation
  std::uint64_t position = 0;  // in that operation, of what comes next
  std::uint64_t key = 0;
  std::uint64_t address = 0;
  std::uint64_t left = 0;
  bool last = false;           // the operation ends with it
  Links<ServedRead> moving{};  // Exchange::serving
};

struct UnexpectedRequest : UnexpectedMessage {
  Envelope envelope;
  bool announced = false;
  int error = 0;                       // its sender died: why its bytes cannot be had any more
  const void* claimed_by = nullptr;    // context of the peek that reserved it
  std::unique_ptr<std::byte[]> bytes;  // eager ones
  RemoteSegments segments;             // announced ones
};

// How an announced message comes to its receiver.
enum class TransferWay : std::uint8_t {
  kReads,     // we read all of it from the sender's memory
  kStreamed,  // the sender streams it, and we read a part if the sender is silent
  kShared,    // both copy it
  kQueued,    // it has not begun: its turn among the sender's messages has not come
  kMoved,     // it is there, but the sender has not been told: its FIFO is full
};
inline constexpr std::size_t kTransferWays = static_cast<std::size_t>(TransferWay::kMoved) + 1;

// An announced message on its way into a matched receive.
struct IncomingTransfer {
  Envelope envelope;
  ReceiveRequest* receive = nullptr;
  std::size_t offset = 0;    // in the receive's buffer
  std::uint64_t wanted = 0;  // bytes to move: the message, or what there is room for
  std::uint64_t front = 0;   // bytes there from the start: the sender's chunks; shared with others: those it is to put
  std::uint64_t back = 0;    // lowest byte there from the end: what we read from the sender's memory
  TransferWay way = TransferWay::kQueued;
  Clock::duration begun{};           // the clock then; 0: how long it takes says nothing
  bool directly = false;             // it began so; with `begun`
  bool pulls = true;                 // reading from the sender's memory has not failed yet
  bool placeable = false;            // kStreamed: the sender may put it where it belongs
  Links<IncomingTransfer> moving{};  // Exchange::incoming
  RemoteSegments segments;
};

}  // namespace anchor
