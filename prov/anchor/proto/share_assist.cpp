// SPDX-License-Identifier: BSD-2-Clause
#include "proto/share_assist.h"

#include <algorithm>
#include <cerrno>

#include "os/gather.h"
#include "proto/direct_access.h"
#include "proto/rendezvous.h"

namespace anchor {
namespace {

// 0, or a negated errno value: not all was moved.
int copy_all(DirectCopy& direct, std::uint32_t rights, const iovec* pieces, std::uint32_t count,
             const iovec& initiator) noexcept {
  const bool writes = rights == kRemoteWrite;
  const std::ptrdiff_t moved =
      writes ? direct.read(pieces, count, &initiator, 1) : direct.write(pieces, count, &initiator, 1);
  return moved == static_cast<std::ptrdiff_t>(initiator.iov_len) ? 0 : -EFAULT;
}

// Our registry is asked for each piece, as for everything that comes through the FIFO, and keeps the region open until
// it is copied.
int copy_remote(Exchange& exchange, DirectCopy& direct, const TakenShare& taken, std::uint64_t begin,
                const iovec& initiator) noexcept {
  if (exchange.memory == nullptr) return -EKEYREJECTED;
  const std::uint64_t length = initiator.iov_len;
  return exchange.memory->access({taken.key, taken.address + begin, length, taken.rights, &exchange},
                                 [&](const MemoryRegion&, const iovec* pieces, std::uint32_t count) {
                                   return copy_all(direct, taken.rights, pieces, count, initiator);
                                 });
}

int copy_message(Exchange& exchange, const Peer& peer, const TakenShare& taken, std::uint64_t begin,
                 const iovec& receiver) noexcept {
  const SendRequest* request = find_announced(exchange, peer, taken.request);
  if (request == nullptr) return -ENOENT;  // the peer has said that it is done
  iovec part[kMaxSegments];
  std::size_t bytes;
  const std::size_t count =
      slice(request->segments, request->work.segment_count, begin, receiver.iov_len, part, &bytes);
  const auto length = static_cast<std::uint32_t>(count);
  return copy_all(*peer.direct, kRemoteRead, part, length, receiver);
}

int copy_piece(Exchange& exchange, Peer& peer) noexcept {
  const TakenShare& taken = peer.taken;
  const std::uint64_t begin = std::uint64_t{taken.copied} * taken.piece;
  const std::uint64_t length = std::min<std::uint64_t>(taken.piece, taken.length - begin);
  const iovec initiator{reinterpret_cast<void*>(taken.initiator_address + begin), length};
  return taken.request != 0 ? copy_message(exchange, peer, taken, begin, initiator)
                            : copy_remote(exchange, *peer.direct, taken, begin, initiator);
}

// False: that was the last, or all that we can do.
bool assist(Exchange& exchange, Peer& peer) noexcept {
  TakenShare& taken = peer.taken;
  TargetShare& share = peer.channel->incoming_share();
  if (peer.direct == nullptr || !share.claim(taken.number, taken.copied)) return false;
  if (copy_piece(exchange, peer) != 0) return false;
  ++taken.copied;
  // The last one is the initiator's if we have had our half: see leaves_the_last() in share_offer.cpp.
  return taken.copied < taken.pieces &&
         share.left(taken.number, taken.copied) > (taken.copied >= taken.pieces / 2 ? 1 : 0);
}

}  // namespace

bool may_be_offered(const Peer& peer, std::uint64_t number) noexcept {
  if (peer.distant()) return false;  // the share has a writer at either end: between hosts no line has
  return !peer.taken.active && number != 0 && number <= UINT16_MAX;
}

bool take_share(Exchange& exchange, Peer& peer, const TakenShare& offer, std::uint64_t number) noexcept {
  if (!may_be_offered(peer, number)) return false;
  if (offer.piece == 0 || offer.piece > kLargestTaken || offer.length == 0) return false;
  const std::uint64_t pieces = (offer.length - 1) / offer.piece + 1;
  if (pieces > ShareWord::kMostPieces) return false;
  peer.taken = offer;
  peer.taken.active = true;
  peer.taken.number = static_cast<std::uint16_t>(number);
  peer.taken.pieces = static_cast<std::uint32_t>(pieces);
  peer.taken.copied = 0;
  open_direct(exchange, peer);
  exchange.assisted.push_back(&peer);  // room was made when it was connected
  return true;
}

Verdict on_remote_share(Exchange& exchange, Peer& peer, const IncomingMessage& message) {
  if (peer.state != PeerState::kConnected) return Verdict::kTaken;  // nobody is waiting any more
  const auto body = message.body_as<RemoteShareBody>();
  if (body.rights != kRemoteRead && body.rights != kRemoteWrite) return Verdict::kMalformed;
  const TakenShare offer{.piece = body.piece,
                         .rights = body.rights,
                         .key = message.tag,
                         .address = body.address,
                         .initiator_address = body.initiator_address,
                         .length = body.length};
  return take_share(exchange, peer, offer, message.data) ? Verdict::kTaken : Verdict::kMalformed;
}

void assist_initiators(Exchange& exchange) noexcept {
  for (std::size_t i = exchange.assisted.size(); i-- > 0;) {
    Peer& peer = *exchange.assisted[i];
    const bool connected = peer.state == PeerState::kConnected;
    if (connected && assist(exchange, peer)) continue;
    if (connected) peer.channel->incoming_share().report(peer.taken.number, peer.taken.copied);
    peer.taken = {};
    std::erase(exchange.assisted, &peer);
  }
}

void drop_share(Exchange& exchange, Peer& peer) noexcept {
  if (peer.taken.active) std::erase(exchange.assisted, &peer);
  peer.taken = {};
}

}  // namespace anchor
