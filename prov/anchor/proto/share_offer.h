// SPDX-License-Identifier: BSD-2-Clause
// Long transfers that both ends copy: the part of the end that wants the bytes moved, whatever it wants them for (a
// read or write: rma_share.cpp; a message that it receives: rendezvous_share.cpp; several: rendezvous_fronts.cpp, with
// the other end's part). The other end's part: share_assist.cpp.
//
// One process copies as fast as its processor can; two copy nearly twice as fast. So the peer is told of the transfer
// and takes pieces of it from the front, while we take them from the back. A peer that does not come to it finds
// nothing left, and is not asked again until it has come to that; one that fails says how far it got, and the rest is
// ours, errors included. Only a peer that is at a piece is waited for.
#pragma once

#include <cerrno>
#include <cstdint>

#include "proto/exchange.h"

namespace anchor {

// Telling and waiting for each other costs about as much as copying a sixth of this.
inline constexpr std::uint64_t kShortestShare = 64u << 10;
// Of the last piece the other end waits for a half.
inline constexpr std::uint64_t kLargestPiece = 256u << 10;
inline constexpr std::uint64_t kLongestShare = kLargestPiece * (ShareWord::kMostPieces - 1);

inline bool share_length(std::uint64_t bytes) noexcept { return bytes >= kShortestShare && bytes <= kLongestShare; }

// Whether the peer can be told of one now: it attends to its FIFO, which has room, and is done with the last.
bool may_offer(const Peer& peer) noexcept;

// Requires: may_offer, share_length. The caller sends the message, with offered.number and offered.piece; it has room.
void open_offer(Exchange& exchange, Peer& peer, std::uint64_t bytes) noexcept;
// The same of several messages, the fronts of which are one piece, and what is behind them the other.
void open_offer_of_fronts(Exchange& exchange, Peer& peer) noexcept;
void close_offer(Exchange& exchange, Peer& peer) noexcept;

// The next piece that is ours to move. -EAGAIN: none at the moment. -ENODATA: none any more. -EPROTO: the peer broke
// the protocol.
int claim_piece(Peer& peer, std::uint32_t* piece) noexcept;
// Nothing is left to claim. -EINPROGRESS: the peer is at a piece. -EPROTO. 0: pieces from `*copied` to `*taken` are
// those that the peer took and did not move.
int settle_offer(Peer& peer, std::uint64_t* copied, std::uint64_t* taken) noexcept;

// Moves a piece, once a pass; move(first, end) moves those pieces: 0 or a negated errno value. 0: all is moved.
// -EAGAIN: not yet. -EPROTO: the peer broke the protocol. Otherwise what move() gave, once the peer is done with its
// part. Unless it is -EAGAIN or -EPROTO the offer is closed then.
template <class Move>
int continue_offer(Exchange& exchange, Peer& peer, Move&& move) noexcept {
  OfferedShare& offered = peer.offered;
  std::uint32_t piece = 0;
  const int claimed = claim_piece(peer, &piece);
  if (claimed == 0 && offered.error == 0) offered.error = move(piece, piece + 1);
  if (claimed == 0 && (offered.error != 0 || piece != 0)) return -EAGAIN;
  if (claimed != 0 && claimed != -ENODATA) return claimed;

  std::uint64_t copied = 0, taken = 0;
  const int settled = settle_offer(peer, &copied, &taken);
  if (settled == -EINPROGRESS) return -EAGAIN;
  if (settled != 0) return settled;
  int error = offered.error;
  if (error == 0 && copied < taken) error = move(copied, taken);
  close_offer(exchange, peer);
  return error;
}

}  // namespace anchor
