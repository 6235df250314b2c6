// SPDX-License-Identifier: BSD-2-Clause
// Messages received in memory of the device, from a peer on another host: their bytes move once, from the sender's
// buffer to the receiver's. The receiver's processor has nothing to do with them, and the FIFO carries their end only.
#include <algorithm>
#include <cerrno>

#include "os/gather.h"
#include "proto/rendezvous.h"

namespace anchor {

std::uint64_t place_of(const Exchange& exchange, const IncomingTransfer& transfer) noexcept {
  const ReceiveRequest& receive = *transfer.receive;
  if (!transfer.envelope.peer->distant() || receive.segment_count != 1) return 0;
  const auto* buffer = static_cast<const std::byte*>(receive.segments[0].iov_base) + transfer.offset;
  return exchange.region->place_of(buffer, transfer.wanted);
}

Verdict on_placed(Exchange& exchange, Peer& peer, const IncomingMessage& message) {
  IncomingTransfer* transfer = exchange.transfers.find(message.body_as<PlacedBody>().transfer);
  if (transfer == nullptr || transfer->envelope.peer != &peer || !transfer->placeable) return Verdict::kMalformed;
  finish_transfer(exchange, *transfer, 0);  // the bytes were stored before this message was published (R1, A1)
  return Verdict::kTaken;
}

int push_placed(SendRequest& request, std::uint64_t* allowance) noexcept {
  Peer& peer = *request.peer;
  // It has said goodbye, and its memory may be the application's again.
  if (peer.state != PeerState::kConnected) return -EAGAIN;
  iovec parts[kMaxSegments];
  std::size_t bytes;
  const std::uint64_t most = std::min(*allowance, request.wanted - request.position);
  const std::size_t count = slice(request.segments, request.work.segment_count, request.position, most, parts, &bytes);
  for (std::size_t i = 0; i < count; ++i) {
    peer.channel->store(request.destination + request.position, parts[i].iov_base, parts[i].iov_len);
    request.position += parts[i].iov_len;
  }
  *allowance -= bytes;
  if (request.position < request.wanted) return -EAGAIN;
  if (!peer.region->intact()) return -EIO;
  OutgoingMessage message{.operation = Operation::kPlaced};
  message.set_body(PlacedBody{request.transfer});
  return peer.channel->send(message);
}

}  // namespace anchor
