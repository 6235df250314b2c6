// SPDX-License-Identifier: BSD-2-Clause
// The receiver's half of the rendezvous when both ends copy the message: the sender takes pieces from the front, and
// puts them into the receive's buffer, while we read others from the back.
#include <algorithm>
#include <cerrno>

#include "os/gather.h"
#include "proto/loss.h"
#include "proto/rendezvous.h"
#include "proto/rendezvous_pull.h"
#include "proto/share_offer.h"

namespace anchor {

iovec landing_of(const IncomingTransfer& transfer) noexcept {
  const ReceiveRequest& receive = *transfer.receive;
  iovec parts[kMaxSegments];
  std::size_t bytes;
  const std::size_t count =
      slice(receive.segments, receive.segment_count, transfer.offset, transfer.wanted, parts, &bytes);
  return count == 1 ? parts[0] : iovec{};
}

bool can_be_shared(const IncomingTransfer& transfer) noexcept {
  return share_length(transfer.wanted) && landing_of(transfer).iov_len == transfer.wanted;
}

void offer_transfer(Exchange& exchange, IncomingTransfer& transfer) {
  Peer& peer = *transfer.envelope.peer;
  open_offer(exchange, peer, transfer.wanted);
  OutgoingMessage message{.operation = Operation::kClearToSend, .data = peer.offered.number};
  message.set_body(ClearToSendBody{.request = transfer.envelope.request,
                                   .transfer = exchange.transfers.id(&transfer),
                                   .length = transfer.wanted,
                                   .receiver_address = reinterpret_cast<std::uint64_t>(landing_of(transfer).iov_base),
                                   .piece = peer.offered.piece});
  // It has room. If the peer has broken the protocol meanwhile, nobody comes, and the next message finds that out.
  static_cast<void>(peer.channel->send(message));
}

bool move_a_piece(Exchange& exchange, IncomingTransfer& transfer) {
  Peer& peer = *transfer.envelope.peer;
  const std::uint64_t piece = peer.offered.piece;
  bool moved = false;
  const int error = continue_offer(exchange, peer, [&](std::uint64_t first, std::uint64_t end) noexcept {
    if (peer.direct == nullptr) return -EOPNOTSUPP;
    const int result = pull_all(transfer, first * piece, std::min(end * piece, transfer.wanted));
    moved |= result == 0;
    return result == -EAGAIN ? -EOPNOTSUPP : result;
  });
  if (error == -EAGAIN) return moved;
  if (error == 0) {
    finish_transfer(exchange, transfer, 0);
    return true;
  }
  if (error == -EPROTO) {
    begin_loss(exchange, peer, EPROTO);
    return moved;
  }
  transfer.pulls = false;  // the sender's own loads can do what the kernel cannot
  ask_for_stream(exchange, transfer);
  return moved;
}

}  // namespace anchor
