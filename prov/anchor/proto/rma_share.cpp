// SPDX-License-Identifier: BSD-2-Clause
// Long reads and writes that both ends copy. Until it is over the operation stays the first that waits, so that nothing
// overtakes it.
#include <algorithm>
#include <cerrno>

#include "proto/rma.h"
#include "proto/share_offer.h"

namespace anchor {
namespace {

// Shorter ones are gathered, several in one system call (rma_batch.cpp).
constexpr std::uint64_t kShortestAccess = 2 * kShortestShare;

OutgoingMessage offer_of(const RemoteRequest& request, const OfferedShare& offered) noexcept {
  OutgoingMessage message{.operation = Operation::kRemoteShare, .tag = request.targets[0].key, .data = offered.number};
  message.set_body(RemoteShareBody{
      .address = request.targets[0].address,
      .length = request.work.length,
      .initiator_address = reinterpret_cast<std::uint64_t>(request.segments[0].iov_base),
      .piece = offered.piece,
      .rights = right_for(request.work.type),
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

}  // namespace

bool may_share(const Peer& peer, const RemoteWork& work, const CheckedTargets& checked) noexcept {
  const std::uint64_t length = work.base.length;
  return length >= kShortestAccess && share_length(length) && work.base.segment_count == 1 && work.target_count == 1 &&
         !checked.mapped && may_offer(peer);
}

void offer_share(Exchange& exchange, Peer& peer, RemoteRequest& request) noexcept {
  open_offer(exchange, peer, request.work.length);
  request.shared = true;
  // It has room. If the peer has broken the protocol meanwhile, nobody comes, and the next message finds that out.
  static_cast<void>(peer.channel->send(offer_of(request, peer.offered)));
}

int continue_share(Exchange& exchange, Peer& peer, RemoteRequest& request) noexcept {
  // A move's -EAGAIN says that the memory is out of reach, ours that there is more to be done.
  const int error = continue_offer(exchange, peer, [&](std::uint64_t first, std::uint64_t end) noexcept {
    const int moved = move_pieces(peer, request, first, end);
    return moved == -EAGAIN ? -EOPNOTSUPP : moved;
  });
  if (error != -EAGAIN && error != -EPROTO) request.shared = false;
  return error;
}

}  // namespace anchor
