// SPDX-License-Identifier: BSD-2-Clause
// Several announced messages of one sender that both ends copy: the sender the fronts of all of them, by one system
// call, while the receiver reads what is behind those. It is a share of two pieces (share_offer.h), the first of which
// is the fronts. (Of whole messages for either end the lines of a buffer that is received into again and again would go
// to and fro; this way each end always has the same ones.)
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "os/gather.h"
#include "proto/copy_lists.h"
#include "proto/direct_access.h"
#include "proto/loss.h"
#include "proto/rendezvous.h"
#include "proto/rendezvous_pull.h"
#include "proto/share_assist.h"
#include "proto/share_offer.h"

namespace anchor {
namespace {

// Of shorter messages either end would have a page or less.
constexpr std::uint64_t kShortestCut = 12u << 10;

// Those that are shared with `first`, which is the first of them that is left: they stand behind it without a gap.
template <class Visit>
void for_each_shared(Exchange& exchange, IncomingTransfer& first, Visit&& visit) {
  const Peer* peer = first.envelope.peer;
  for (IncomingTransfer* transfer = &first; transfer != nullptr;) {
    if (transfer->way != TransferWay::kShared || transfer->envelope.peer != peer) return;
    IncomingTransfer* next = exchange.incoming.after(transfer);
    visit(*transfer);
    transfer = next;
  }
}

// The fronts, what is behind them, or both. 0, or a negated errno value: not all was read.
int pull_parts(Exchange& exchange, IncomingTransfer& first, bool fronts, bool rests) {
  const Peer& peer = *first.envelope.peer;
  if (peer.direct == nullptr) return -EOPNOTSUPP;
  CopyLists lists;
  std::uint64_t bytes = 0;
  for_each_shared(exchange, first, [&](const IncomingTransfer& transfer) {
    const std::uint64_t begin = fronts ? 0 : transfer.front;
    const std::uint64_t end = rests ? transfer.wanted : transfer.front;
    add_part(transfer, begin, end - begin, &lists);
    bytes += end - begin;
  });
  return pull(peer, lists) == static_cast<std::ptrdiff_t>(bytes) ? 0 : -EFAULT;
}

// They have taken one time together.
void note_durations(Exchange& exchange, IncomingTransfer& first) {
  std::uint64_t bytes = 0;
  IncomingTransfer* timed = nullptr;
  for_each_shared(exchange, first, [&](IncomingTransfer& transfer) {
    bytes += transfer.wanted;
    if (transfer.begun != Clock::duration{}) timed = &transfer;
  });
  if (timed == nullptr) return;
  note_duration(*timed, bytes);
  timed->begun = {};
}

bool is_there(const IncomingTransfer& transfer) noexcept { return transfer.front >= transfer.back; }

// All that the peer is offered a share of. Returns whether bytes came in.
bool move_parts(Exchange& exchange, IncomingTransfer& first) {
  Peer& peer = *first.envelope.peer;
  bool moved = false;
  const int error = continue_offer(exchange, peer, [&](std::uint64_t begin, std::uint64_t end) {
    const int result = pull_parts(exchange, first, begin == 0, end == 2);
    moved |= result == 0;
    return result;
  });
  if (error == -EAGAIN) {
    peer.held_in_pass = exchange.passes;
    return moved;
  }
  if (error == -EPROTO) {
    begin_loss(exchange, peer, EPROTO);
    return moved;
  }
  if (error == 0) note_durations(exchange, first);
  for_each_shared(exchange, first, [&](IncomingTransfer& transfer) {
    if (error == 0) {
      transfer.back = transfer.front;
    } else {
      transfer.front = 0;
      transfer.pulls = false;  // the sender's own loads can do what the kernel cannot
      ask_for_stream(exchange, transfer);
    }
  });
  return moved;
}

struct FrontList {
  std::size_t count = 0;
  MessageFront fronts[kMostFronts];
};

// False: it makes no sense.
bool read_list(Exchange& exchange, const Peer& peer, const IncomingMessage& message, FrontList* list) noexcept {
  if ((message.flags & kInArea) == 0 || message.length == 0 || message.length > sizeof list->fronts ||
      message.length % sizeof(MessageFront) != 0)
    return false;
  list->count = message.length / sizeof(MessageFront);
  std::memcpy(list->fronts, message.payload, message.length);
  std::uint64_t room = kLargestTaken;
  return std::all_of(list->fronts, list->fronts + list->count, [&](const MessageFront& front) {
    const SendRequest* request = find_announced(exchange, peer, front.request);
    if (request == nullptr || front.bytes == 0 || front.bytes > request->work.length || front.bytes > room)
      return false;
    room -= front.bytes;
    return true;
  });
}

// Whether all of them were moved.
bool put_fronts(Exchange& exchange, const Peer& peer, const FrontList& list) noexcept {
  CopyLists lists;
  std::uint64_t total = 0;
  for (const MessageFront& front : std::span{list.fronts, list.count}) {
    const SendRequest& request = *find_announced(exchange, peer, front.request);
    if (!lists.has_room_for(request.work.segment_count, 1)) return false;  // our own offers keep to it
    iovec part[kMaxSegments];
    std::size_t bytes;
    const std::size_t count = slice(request.segments, request.work.segment_count, 0, front.bytes, part, &bytes);
    const iovec place{reinterpret_cast<void*>(front.address), front.bytes};
    lists.add(part, count, &place, 1);
    total += front.bytes;
  }
  return peer.direct->write(lists.local, lists.local_count, lists.remote, lists.remote_count) ==
         static_cast<std::ptrdiff_t>(total);
}

}  // namespace

bool fronts_can_be_shared(std::span<IncomingTransfer* const> transfers) noexcept {
  const Peer& peer = *transfers[0]->envelope.peer;
  return peer.direct != nullptr && may_offer(peer) &&
         peer.channel->has_room(static_cast<std::uint32_t>(transfers.size() * sizeof(MessageFront))) &&
         std::all_of(transfers.begin(), transfers.end(), [](const IncomingTransfer* transfer) {
           return transfer->wanted >= kShortestCut && landing_of(*transfer).iov_len == transfer->wanted;
         });
}

void offer_fronts(Exchange& exchange, std::span<IncomingTransfer* const> transfers) {
  Peer& peer = *transfers[0]->envelope.peer;
  MessageFront fronts[kMostFronts];
  for (std::size_t i = 0; i < transfers.size(); ++i) {
    IncomingTransfer& transfer = *transfers[i];
    set_way(transfer, TransferWay::kShared);
    transfer.front = round_up(transfer.wanted / 2, kPageSize);
    fronts[i] = {.request = transfer.envelope.request,
                 .address = reinterpret_cast<std::uint64_t>(landing_of(transfer).iov_base),
                 .bytes = transfer.front};
  }
  open_offer_of_fronts(exchange, peer);
  const iovec list{fronts, transfers.size() * sizeof(MessageFront)};
  // It has room. If the peer has broken the protocol meanwhile, nobody comes, and the next message finds that out.
  static_cast<void>(peer.channel->send({.operation = Operation::kCopyFronts,
                                        .flags = kInArea | kCarriesTail,
                                        .length = static_cast<std::uint32_t>(list.iov_len),
                                        .data = peer.offered.number,
                                        .segments = &list,
                                        .segment_count = 1}));
}

bool move_fronts(Exchange& exchange, IncomingTransfer& transfer) {
  Peer& peer = *transfer.envelope.peer;
  const bool moved = !is_there(transfer) && peer.held_in_pass != exchange.passes && move_parts(exchange, transfer);
  if (transfer.way != TransferWay::kShared || !is_there(transfer)) return moved;
  finish_transfer(exchange, transfer, 0);
  return true;
}

Verdict on_copy_fronts(Exchange& exchange, Peer& peer, const IncomingMessage& message) {
  if (peer.state != PeerState::kConnected) return Verdict::kTaken;  // nobody is waiting any more
  FrontList list;
  if (!may_be_offered(peer, message.data) || !read_list(exchange, peer, message, &list)) return Verdict::kMalformed;
  // A pass helps once. Another offer is declined, not left in the FIFO, which would mean that the application is waited
  // for (Peer::refused).
  const bool helps = std::exchange(peer.helped_in_pass, exchange.passes) != exchange.passes;
  open_direct(exchange, peer);
  TargetShare& share = peer.channel->incoming_share();
  const auto number = static_cast<std::uint16_t>(message.data);
  const bool copied = helps && peer.direct != nullptr && share.claim(number, 0) && put_fronts(exchange, peer, list);
  share.report(number, copied ? 1 : 0);
  return Verdict::kTaken;
}

}  // namespace anchor
