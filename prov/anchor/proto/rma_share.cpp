// SPDX-License-Identifier: BSD-2-Clause
// Long reads and writes that both ends copy: the initiator's part.
//
// One process copies as fast as its processor can; two copy nearly twice as fast. So the target is told of a long
// operation and takes pieces of it from the front (rma_assist.cpp), while we take them from the back. Until it is over
// the operation stays the first that waits, so that nothing overtakes it. A target that does not come to it finds
// nothing left, and is not asked again until it has come to that; one that fails says how far it got, and the rest is
// ours, errors included. Only a target that is at a piece is waited for.
#include <algorithm>
#include <cerrno>

#include "proto/alertness.h"
#include "proto/rma.h"

namespace anchor {
namespace {

// Telling and waiting for each other costs about as much as copying a tenth of this.
constexpr std::uint64_t kShortest = 128u << 10;
// Each piece is a system call, for both; and of the last one the other end waits for a half.
constexpr std::uint64_t kSmallestPiece = 64u << 10;
constexpr std::uint64_t kLargestPiece = 256u << 10;
constexpr std::uint64_t kPieces = 8;
// Passes for which the last piece is left to a target that has had others: then it is taken to be busy elsewhere.
constexpr std::uint32_t kPassesToTake = 400;
constexpr std::uint64_t kLongest = kSmallestPiece * ShareWord::kMostPieces;

std::uint64_t piece_of(std::uint64_t length) noexcept {
  return std::clamp(length / kPieces / kSmallestPiece * kSmallestPiece, kSmallestPiece, kLargestPiece);
}

OutgoingMessage offer_of(const RemoteRequest& request, std::uint64_t piece, std::uint16_t number) noexcept {
  OutgoingMessage message{.operation = Operation::kRemoteShare, .tag = request.targets[0].key, .data = number};
  message.set_body(RemoteShareBody{
      .address = request.targets[0].address,
      .length = request.work.length,
      .initiator_address = reinterpret_cast<std::uint64_t>(request.segments[0].iov_base),
      .piece = static_cast<std::uint32_t>(piece),
      .rights = request.work.type == WorkType::kRead ? kRemoteRead : kRemoteWrite,
  });
  return message;
}

// Checked each time: a region that was closed in between is not touched. -EAGAIN: out of reach from now on, as we or
// the receipt of a long message (rendezvous_receive.cpp) have found.
int move_pieces(Peer& peer, const RemoteRequest& request, std::uint64_t first, std::uint64_t end) noexcept {
  if (peer.direct == nullptr) return -EAGAIN;
  const RemoteWork work = request.remote_work();
  CheckedTargets checked;
  if (const int error = check_targets(peer, work, &checked)) return error;
  const std::uint64_t piece = peer.offered.piece;
  return move_part(peer, work, checked, first * piece, std::min(end * piece, work.base.length));
}

// Who has had its half leaves the last piece to the other one, for a while: where they meet shall be the same place
// from one operation to the next. The lines of memory that is used again and again are then in the right cache already,
// and fetching them from the other takes several times as long as copying.
bool leaves_the_last(Peer& peer) noexcept {
  const InitiatorShare& share = peer.channel->outgoing_share();
  if (share.taken() > peer.offered.pieces / 2 || share.left() != 1 || share.taken() == 1) return false;
  std::uint64_t copied;
  return !share.reported(&copied) && ++peer.offered.passes <= kPassesToTake;
}

// Nothing is left to take. -EINPROGRESS: the target is at a piece. -EAGAIN: out of reach from now on. Otherwise as
// continue_share().
int settle(Peer& peer, const RemoteRequest& request) noexcept {
  const InitiatorShare& share = peer.channel->outgoing_share();
  if (share.taken() == 0) return peer.offered.error;
  std::uint64_t copied;
  if (!share.reported(&copied)) return -EINPROGRESS;
  if (copied > share.taken()) return -EPROTO;
  if (peer.offered.error != 0) return peer.offered.error;
  return move_pieces(peer, request, copied, share.taken());
}

}  // namespace

bool may_share(const Peer& peer, const RemoteWork& work, const CheckedTargets& checked) noexcept {
  return work.base.length >= kShortest && work.base.length <= kLongest && work.base.segment_count == 1 &&
         work.target_count == 1 && !checked.mapped && peer.state == PeerState::kConnected && peer.control.empty() &&
         peer.channel->watched() && peer.channel->outgoing_share().idle() && peer.channel->has_room();
}

void offer_share(Exchange& exchange, Peer& peer, RemoteRequest& request) noexcept {
  const std::uint64_t piece = piece_of(request.work.length);
  const std::uint64_t pieces = (request.work.length + piece - 1) / piece;
  const std::uint16_t number = peer.channel->outgoing_share().offer(static_cast<std::uint32_t>(pieces));
  peer.offered = {.active = true,
                  .piece = static_cast<std::uint32_t>(piece),
                  .pieces = static_cast<std::uint32_t>(pieces),
                  .passes = 0,
                  .error = 0};
  request.shared = true;
  ++exchange.offered;
  rouse(exchange);
  // It has room. If the peer has broken the protocol meanwhile, nobody comes, and the next message finds that out.
  static_cast<void>(peer.channel->send(offer_of(request, piece, number)));
}

int continue_share(Exchange& exchange, Peer& peer, RemoteRequest& request) noexcept {
  InitiatorShare& share = peer.channel->outgoing_share();
  std::uint32_t piece = 0;
  const bool failed = peer.offered.error != 0;
  if (!failed && leaves_the_last(peer)) return -EAGAIN;
  const InitiatorShare::Claim claim = failed ? share.withdraw() : share.claim(&piece);
  if (claim == InitiatorShare::Claim::kNonsense) return -EPROTO;
  if (claim == InitiatorShare::Claim::kNotNow) return -EAGAIN;
  if (claim == InitiatorShare::Claim::kTaken) {
    if (!failed) peer.offered.error = move_pieces(peer, request, piece, piece + 1);
    if (!failed && (peer.offered.error != 0 || piece != 0)) return -EAGAIN;
  }
  const int error = settle(peer, request);
  if (error == -EINPROGRESS) return -EAGAIN;
  request.shared = false;
  peer.offered = {};
  --exchange.offered;
  return error == -EAGAIN ? -EOPNOTSUPP : error;
}

void forget_shares(Exchange& exchange, Peer& peer) noexcept {
  if (peer.offered.active) --exchange.offered;
  peer.offered = {};
  if (peer.taken.active) std::erase(exchange.assisted, &peer);
  peer.taken = {};
}

}  // namespace anchor
