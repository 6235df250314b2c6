// SPDX-License-Identifier: BSD-2-Clause
// Long reads and writes that both ends copy: the target's part.
//
// Help and nothing else: whatever keeps us from copying a piece, we say how many we have copied, and the initiator sees
// to the rest. As for everything that comes through the FIFO, our registry is asked, for each piece, and keeps the
// region open until it is copied.
#include <algorithm>
#include <cerrno>

#include "proto/connect.h"
#include "proto/rma.h"

namespace anchor {
namespace {

// A pass does one for each peer, and others wait meanwhile.
constexpr std::uint32_t kLargestPiece = 1u << 20;

// 0, or a negated errno value: not all was moved.
int copy_all(DirectCopy& direct, std::uint32_t rights, const iovec* pieces, std::uint32_t count,
             const iovec& initiator) noexcept {
  const bool writes = rights == kRemoteWrite;
  const std::ptrdiff_t moved =
      writes ? direct.read(pieces, count, &initiator, 1) : direct.write(pieces, count, &initiator, 1);
  return moved == static_cast<std::ptrdiff_t>(initiator.iov_len) ? 0 : -EFAULT;
}

int copy_piece(Exchange& exchange, DirectCopy& direct, const TakenShare& taken) noexcept {
  const std::uint64_t begin = std::uint64_t{taken.copied} * taken.piece;
  const std::uint64_t length = std::min<std::uint64_t>(taken.piece, taken.length - begin);
  const iovec initiator{reinterpret_cast<void*>(taken.initiator_address + begin), length};
  return exchange.memory->access({taken.key, taken.address + begin, length, taken.rights, &exchange},
                                 [&](const MemoryRegion&, const iovec* pieces, std::uint32_t count) {
                                   return copy_all(direct, taken.rights, pieces, count, initiator);
                                 });
}

// False: that was the last, or all that we can do.
bool assist(Exchange& exchange, Peer& peer) noexcept {
  TakenShare& taken = peer.taken;
  TargetShare& share = peer.channel->incoming_share();
  if (exchange.memory == nullptr || peer.direct == nullptr || !share.claim(taken.number, taken.copied)) return false;
  if (copy_piece(exchange, *peer.direct, taken) != 0) return false;
  ++taken.copied;
  // The last one is the initiator's if we have had our half: see leaves_the_last() in rma_share.cpp.
  return taken.copied < taken.pieces &&
         share.left(taken.number, taken.copied) > (taken.copied >= taken.pieces / 2 ? 1 : 0);
}

// The initiator's own numbers, checked.
bool read_offer(const IncomingMessage& message, TakenShare* taken) noexcept {
  const auto body = message.body_as<RemoteShareBody>();
  if (message.data == 0 || message.data > UINT16_MAX) return false;
  if (body.rights != kRemoteRead && body.rights != kRemoteWrite) return false;
  if (body.piece == 0 || body.piece > kLargestPiece || body.length == 0) return false;
  const std::uint64_t pieces = (body.length - 1) / body.piece + 1;
  if (pieces > ShareWord::kMostPieces) return false;
  *taken = {.active = true,
            .number = static_cast<std::uint16_t>(message.data),
            .pieces = static_cast<std::uint32_t>(pieces),
            .piece = body.piece,
            .copied = 0,
            .rights = body.rights,
            .key = message.tag,
            .address = body.address,
            .initiator_address = body.initiator_address,
            .length = body.length};
  return true;
}

}  // namespace

Verdict on_remote_share(Exchange& exchange, Peer& peer, const IncomingMessage& message) {
  if (peer.state != PeerState::kConnected) return Verdict::kTaken;  // nobody is waiting any more
  if (peer.taken.active || !read_offer(message, &peer.taken)) return Verdict::kMalformed;
  open_direct(exchange, peer);
  exchange.assisted.push_back(&peer);  // room was made when it was connected
  return Verdict::kTaken;
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

}  // namespace anchor
