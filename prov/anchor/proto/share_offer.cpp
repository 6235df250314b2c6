// SPDX-License-Identifier: BSD-2-Clause
#include "proto/share_offer.h"

#include <algorithm>

#include "proto/alertness.h"

namespace anchor {
namespace {

// Passes for which the last piece is left to a peer that has had others: then it is taken to be busy elsewhere.
constexpr std::uint32_t kPassesToTake = 400;

// As many for either end, or nearly, and few: each costs a system call and a word that changes hands.
std::uint64_t piece_of(std::uint64_t bytes) noexcept {
  const std::uint64_t pieces = 2 * ((bytes - 1) / (2 * kLargestPiece) + 1);
  return round_up((bytes - 1) / pieces + 1, kPageSize);
}

// Who has had its half leaves the last piece to the other one, for a while: where they meet shall be the same place
// from one transfer to the next. The lines of memory that is used again and again are then in the right cache already,
// and fetching them from the other takes several times as long as copying.
bool leaves_the_last(Peer& peer) noexcept {
  const InitiatorShare& share = peer.channel->outgoing_share();
  if (share.taken() > peer.offered.pieces / 2 || share.left() != 1 || share.taken() == 1) return false;
  std::uint64_t copied;
  return !share.reported(&copied) && ++peer.offered.passes <= kPassesToTake;
}

void open(Exchange& exchange, Peer& peer, std::uint32_t piece, std::uint32_t pieces) noexcept {
  peer.offered = {.active = true,
                  .number = peer.channel->outgoing_share().offer(pieces),
                  .piece = piece,
                  .pieces = pieces,
                  .passes = 0,
                  .error = 0};
  ++exchange.offered;
  rouse(exchange);
}

}  // namespace

bool may_offer(const Peer& peer) noexcept {
  return peer.state == PeerState::kConnected && !peer.offered.active && peer.control.empty() &&
         peer.channel->watched() && peer.channel->outgoing_share().idle() && peer.channel->has_room();
}

void open_offer(Exchange& exchange, Peer& peer, std::uint64_t bytes) noexcept {
  const std::uint64_t piece = piece_of(bytes);
  open(exchange, peer, static_cast<std::uint32_t>(piece), static_cast<std::uint32_t>((bytes + piece - 1) / piece));
}

void open_offer_of_fronts(Exchange& exchange, Peer& peer) noexcept { open(exchange, peer, 0, 2); }

void close_offer(Exchange& exchange, Peer& peer) noexcept {
  if (peer.offered.active) --exchange.offered;
  peer.offered = {};
}

int claim_piece(Peer& peer, std::uint32_t* piece) noexcept {
  InitiatorShare& share = peer.channel->outgoing_share();
  const bool failed = peer.offered.error != 0;
  if (!failed && leaves_the_last(peer)) return -EAGAIN;
  switch (failed ? share.withdraw() : share.claim(piece)) {
    case InitiatorShare::Claim::kTaken:
      return failed ? -ENODATA : 0;
    case InitiatorShare::Claim::kNoneLeft:
      return -ENODATA;
    case InitiatorShare::Claim::kNotNow:
      return -EAGAIN;
    case InitiatorShare::Claim::kNonsense:
      break;
  }
  return -EPROTO;
}

int settle_offer(Peer& peer, std::uint64_t* copied, std::uint64_t* taken) noexcept {
  const InitiatorShare& share = peer.channel->outgoing_share();
  *taken = share.taken();
  if (*taken == 0) return 0;
  if (!share.reported(copied)) return -EINPROGRESS;
  return *copied > *taken ? -EPROTO : 0;
}

}  // namespace anchor
