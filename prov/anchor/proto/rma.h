// SPDX-License-Identifier: BSD-2-Clause
// Reads and writes of a peer's memory (fi_rma(3)).
//
// The initiator checks key, range and rights in the peer's memory protection table, and refuses by itself what is not
// allowed. Then it moves the bytes by itself, too (rma_direct.cpp: cross-memory attach, in the call; rma_mapped.cpp:
// loads and stores, where the memory is a file's that both have mapped; rma_placed.cpp: stores, where it is a
// window's), and the peer has nothing to do with it, unless it wants to be told: remote data and counted accesses
// travel in a notice. Where the kernel refuses, the bytes go through the FIFO, and the peer's progress moves them
// (rma_fifo.cpp, rma_target.cpp).
//
// Small ones go through the FIFO first even so, as a system call takes ten times as long as a peer that attends to its
// FIFO. From one that does not they are withdrawn, and done directly after all (rma_take_over.cpp).
#pragma once

#include "core/remote_work.h"
#include "fifo/protection_view.h"
#include "proto/exchange.h"
#include "proto/handlers.h"

namespace anchor {

// What a peer's table says about all targets of an operation.
struct CheckedTargets {
  std::uint32_t count = 0;
  std::uint32_t notices = 0;  // bit i: the peer wants to be told that target i was accessed
  bool mapped = false;        // `list` is memory of ours
  iovec list[kMaxSegments * kMaxRegionRows];
  ProtectedRow rows[kMaxSegments * kMaxRegionRows];  // of each
};

// The AccessRight that a read or write uses.
constexpr std::uint32_t right_for(WorkType type) noexcept {
  return type == WorkType::kRead ? kRemoteRead : kRemoteWrite;
}

// start_remote() for kRead and kWrite.
int start_rma(Exchange& exchange, Peer& peer, const RemoteWork& work, RemoteRequest* queued) noexcept;

// Once a peer's region was found. False: no memory.
bool open_table(Peer& peer) noexcept;

// 0, or why the peer's table refuses.
int check_targets(Peer& peer, const RemoteWork& work, CheckedTargets* checked) noexcept;
// Whether it is because the peer has gone that something failed with `error`, positive: then its loss begins.
bool lost_with(Exchange& exchange, Peer& peer, int error) noexcept;

// The bytes of `request` have been moved: sends what its `notices` say, and concludes it, unless the peer is to answer.
// `queued`: it stands first in peer.waiting; otherwise it is kept there if the FIFO is full.
int tell_peer(Exchange& exchange, Peer& peer, RemoteRequest& request, bool queued) noexcept;

// With the endpoint's own memory.
int access_self(Exchange& exchange, Peer& peer, const RemoteWork& work, RemoteRequest* queued) noexcept;

// The bytes of a checked operation, directly. 0: moved. -EAGAIN: its memory is not in reach, now or for good (then
// peer.direct is gone); otherwise why not, negated.
int move_directly(Peer& peer, const RemoteWork& work, const CheckedTargets& targets) noexcept;
// The bytes from `begin` to `end` of it. Likewise.
int move_part(Peer& peer, const RemoteWork& work, const CheckedTargets& targets, std::uint64_t begin,
              std::uint64_t end) noexcept;
// One call. Bytes moved, or a negated errno value.
std::ptrdiff_t copy_directly(DirectCopy& direct, WorkType type, const iovec* local, std::size_t local_count,
                             const iovec* remote, std::size_t remote_count) noexcept;

// Streams of direct copies (rma_batch.cpp). The application has asked for one.
void count_in_pass(const Exchange& exchange, Peer& peer) noexcept;
// Whether it is one of so many that it should go directly although it fits the FIFO.
bool is_streamed(const Peer& peer, const WorkRequest& work, bool queued) noexcept;
// Whether a new one, that nothing keeps from being moved, should wait for others to be moved together with, and whether
// those that do are enough.
bool may_gather(const Peer& peer, const WorkRequest& work) noexcept;
bool gathered_enough(const Peer& peer) noexcept;
// Moves what stands first in peer.waiting, and what can go with it, and concludes it. False: by itself, please.
bool move_batch(Exchange& exchange, Peer& peer, RemoteRequest& head, const CheckedTargets& checked) noexcept;

// Long ones of which the target copies a part, if it comes to it (rma_share.cpp). Whether it is worth asking.
bool may_share(const Peer& peer, const RemoteWork& work, const CheckedTargets& checked) noexcept;
// Asks, for the first in peer.waiting.
void offer_share(Exchange& exchange, Peer& peer, RemoteRequest& request) noexcept;
// Copies a piece of it. 0: all is moved. -EAGAIN: not yet. -EPROTO: the peer broke the protocol. -EOPNOTSUPP: begin
// anew, its memory has got out of reach. Otherwise why it has failed, negated; then the target is done with it.
int continue_share(Exchange& exchange, Peer& peer, RemoteRequest& request) noexcept;

// Whether all memory of a checked operation is mapped here: then `*checked` says where.
bool find_mapped(Peer& peer, const RemoteWork& work, CheckedTargets* checked) noexcept;
// The bytes of such an operation. 0: moved. -EFAULT: not all were there.
int move_mapped(Peer& peer, const RemoteWork& work, const CheckedTargets& targets) noexcept;
// The same for a peer on another host, of whose table we keep a copy: writes to memory of its device.
bool find_placed(Peer& peer, const RemoteWork& work, CheckedTargets* checked) noexcept;
int store_placed(Peer& peer, const RemoteWork& work, const CheckedTargets& targets) noexcept;
// Where a piece of such a row lies; nullptr: nowhere.
std::byte* place_in_device(Peer& peer, const ProtectedRow& row, const iovec& piece) noexcept;
// Such an operation cannot begin yet: whether it may go through the FIFO instead.
bool may_detour(Peer& peer) noexcept;

// A checked operation through the FIFO, as start_remote() has it. `withdrawable`: may_withdraw() says so.
int start_through_fifo(Exchange& exchange, Peer& peer, const RemoteWork& work, RemoteRequest* queued,
                       bool withdrawable) noexcept;
Verdict on_read_chunk(Exchange& exchange, Peer& peer, const IncomingMessage& message);

// Whether a checked operation should go through the FIFO although it could go directly.
bool may_withdraw(const Peer& peer, const RemoteWork& work, const CheckedTargets& checked) noexcept;
// It has: `request` has just been sent, or has just been ended.
void remember_withdrawable(Exchange& exchange, Peer& peer, RemoteRequest& request) noexcept;
void forget_withdrawable(Exchange& exchange, Peer& peer, RemoteRequest& request) noexcept;
// Does directly what silent peers have not begun. Once a pass.
void take_over_stalled(Exchange& exchange) noexcept;

// The end of one that never left, or that was done at once: to the queue and the counter; gives `queued` back.
void conclude_rma(Exchange& exchange, Peer& peer, const RemoteWork& work, RemoteRequest* queued, int error) noexcept;

// Target.
Verdict on_remote_write(Exchange& exchange, Peer& peer, const IncomingMessage& message);
Verdict on_remote_read(Exchange& exchange, Peer& peer, const IncomingMessage& message);
Verdict on_remote_notice(Exchange& exchange, Peer& peer, const IncomingMessage& message);
// As much of the bytes that peers want to read as there is room for.
void push_served_reads(Exchange& exchange);
void drop_served_reads(Exchange& exchange, Peer& peer) noexcept;

// An access of a peer to our memory, to be counted or reported. `last`: the operation ends with it.
struct AccessNotice {
  std::uint64_t key;
  std::uint32_t rights;  // AccessRight
  bool last;
  bool has_data;
  std::uint64_t data;
  std::uint64_t length;
};
// Whether there is room for what the notice would cause.
bool may_note(const Exchange& exchange, bool has_data) noexcept;
void note_access(Exchange& exchange, const Peer& peer, const AccessNotice& notice) noexcept;

}  // namespace anchor
