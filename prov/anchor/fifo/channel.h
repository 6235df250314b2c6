// SPDX-License-Identifier: BSD-2-Clause
// A connection to one peer: the FIFO it reads (in its memory) and the FIFO we read (in ours), over some device.
//
// Virtual once a message; what happens per cache line is inlined behind it, and finding nothing is not virtual at all.
// Used under the endpoint's lock; owned by a Peer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "dma/device.h"
#include "fifo/fifo_layout.h"
#include "fifo/gate.h"
#include "fifo/message.h"
#include "fifo/notification.h"
#include "fifo/share.h"
#include "fifo/turn_taking.h"

namespace anchor {

// Where the next message will show. A copy of it is all that a pass needs to know of a peer that is silent.
struct AwaitedMessage {
  const SharedWord* head = nullptr;  // nullptr: Channel::peek() has to be asked
  std::uint32_t position = 0;

  // Whether peek() found nothing and would again, as far as one load tells.
  bool absent() const noexcept {
    // Relaxed: peek() looks again, with the acquire.
    return head != nullptr && SlotHead::position(head->load(std::memory_order_relaxed)) != position;
  }
};

class Channel {
 public:
  virtual ~Channel() = default;

  // The peer granted `block`: from now on send() works. `bell`: our byte of the peer's board.
  virtual void connect(Mapping block, const BlockGeometry& geometry, Bell bell) = 0;
  virtual bool connected() const noexcept = 0;

  // -EAGAIN: the peer's FIFO is full. -EPROTO: the peer broke the protocol. Requires connected().
  virtual int send(const OutgoingMessage& message) noexcept = 0;
  // A message whose bytes fit a slot, as most do: `kind` is their small_kind(). All that it takes goes in registers.
  virtual int send_small(std::uint32_t kind, std::uint64_t tag, std::uint64_t data, const void* bytes) noexcept = 0;
  virtual std::uint32_t max_payload() const noexcept = 0;
  // Bytes of a long message that are best sent in one message of their own. Requires connected().
  virtual std::uint32_t chunk_size() const noexcept = 0;
  // Whether a message with so many bytes in the payload area could be sent now. Requires connected().
  virtual bool has_room(std::uint32_t in_area = 0) noexcept = 0;
  // Whether the peer looks at its FIFO by itself, and need not be rung for. Requires connected().
  virtual bool watched() const noexcept = 0;

  // What every pass may go by until the next call of peek(), consume() or next().
  AwaitedMessage awaited() const noexcept { return owes_ ? AwaitedMessage{} : awaited_; }

  // Whether the next message can hardly be there yet, and looking for it would only delay it.
  bool too_early() noexcept { return turns_.too_early(); }
  // The next message from the peer, nullptr if none; consume() takes it off.
  virtual const IncomingMessage* peek() noexcept = 0;
  virtual void consume() noexcept = 0;
  // consume() and then peek(), for who takes several; where a look at the slot shows nothing, credits may be left to
  // the next peek() (awaited()).
  virtual const IncomingMessage* next() noexcept = 0;
  // A slot made no sense: there will be no next message.
  bool broken() const noexcept { return broken_; }
  // A larger payload area, for a writer that sends much: the reader offers `bytes` of its memory at `area` and tells
  // the writer; who takes them, a mapping of them, from its next message on, which it says first (kTakeArea); when the
  // reader finds that it looks there. Once a connection each.
  virtual void offer_area(const std::byte* area, std::uint32_t bytes) noexcept = 0;
  virtual void take_area(Mapping area) noexcept = 0;
  // False: none was offered.
  virtual bool area_taken() noexcept = 0;
  // Through the payload area, from the peer.
  virtual std::uint64_t bytes_read() const noexcept = 0;

  // Tells the peer whether we look at its FIFO by ourselves.
  virtual void set_polled(bool polled) noexcept = 0;
  // Tells the peer whether it shall ring when it returned credits.
  virtual void set_starved(bool starved) noexcept = 0;

  // Changes of the peer's protection table that copies of it have to follow, as it has told us; and ours, to the peer.
  // The latter from any thread, while the channel exists and is connected.
  virtual std::uint64_t table_changes() const noexcept = 0;
  virtual void tell_table_changes(std::uint64_t count) noexcept = 0;
  // Copies to memory of the peer's that is mapped here. What is sent or completed later comes later.
  virtual void store(void* to, const void* from, std::size_t bytes) noexcept = 0;

  // ProgressLine: what the peer says it has copied of our message, and what we say of the peer's.
  virtual std::uint64_t pulled_by_peer() const noexcept = 0;
  virtual void set_pulled(std::uint64_t word) noexcept = 0;

  // Whose turn it is to carry out reads and writes: of the FIFO we read, and of the one we write (connected() then).
  TargetGate& incoming_gate() noexcept { return incoming_gate_; }
  InitiatorGate& outgoing_gate() noexcept { return *outgoing_gate_; }
  // Who copies which pieces: of the peer's operations, and of ours. Requires connected().
  TargetShare& incoming_share() noexcept { return *incoming_share_; }
  InitiatorShare& outgoing_share() noexcept { return *outgoing_share_; }

 protected:
  explicit Channel(SharedWord& incoming_gate) noexcept : incoming_gate_(incoming_gate) {}

  TargetGate incoming_gate_;
  std::optional<InitiatorGate> outgoing_gate_;
  std::optional<TargetShare> incoming_share_;
  std::optional<InitiatorShare> outgoing_share_;
  AwaitedMessage awaited_;
  TurnTaking turns_;
  bool owes_ = false;    // peek() has credits to return if there is no message
  bool broken_ = false;  // as peek() found it: broken() is asked in each pass
};

// A channel whose receiving half is `block`, a zeroed block of ours. `loopback`: the peer is the endpoint itself, the
// block serves both directions, and `own_bell` is its own.
std::unique_ptr<Channel> make_shm_channel(std::byte* block, const BlockGeometry& geometry, bool loopback,
                                          const Bell& own_bell = {});
// The same for a peer on another host, which no global barrier of ours reaches: who goes to sleep has told it to ring
// for some time before it may rely on that. `memory`: of both blocks; each message and credit is rung for unless it
// shows_by_itself().
std::unique_ptr<Channel> make_window_channel(std::byte* block, const BlockGeometry& geometry,
                                             MemoryType memory = MemoryType::kCoherent);

}  // namespace anchor
