// SPDX-License-Identifier: BSD-2-Clause
#include "dispatch/submit.h"

#include <cerrno>

#include "dispatch/progress.h"
#include "proto/arrival.h"
#include "proto/loss.h"
#include "proto/outbox.h"
#include "proto/peek.h"
#include "proto/send.h"
#include "proto/upkeep.h"

namespace anchor {
namespace {

int submit_send(Exchange& exchange, const WorkRequest& work) {
  if (exchange.send_queue != nullptr && exchange.send_queue->full()) return -EAGAIN;
  Peer* peer = exchange.peers.at_address(work.address);
  if (peer == nullptr) [[unlikely]]
    return -EINVAL;
  if (peer->ready()) [[likely]] {
    const int error = start_send(exchange, *peer, work, nullptr);
    if (error == 0) [[likely]]
      return 0;
    if (error != -EAGAIN) begin_loss(exchange, *peer, -error);
  }
  // Room comes within the time that keeping a copy of the bytes would take.
  if ((work.flags & kInject) && peer->state == PeerState::kConnected) return -EAGAIN;
  // Not connected yet, or its FIFO is full: it waits behind the peer's others, and holds up nobody else.
  return queue_send(exchange, *peer, work);
}

int submit_receive(Exchange& exchange, const WorkRequest& work) {
  if (work.flags & (kPeek | kClaim | kDiscard)) [[unlikely]] {
    if ((work.flags & kPeek) == 0) return receive_claimed(exchange, work);
    // Whoever peeks in a loop always finds a completion to read, so reading never makes progress for him.
    progress(exchange);
    return peek_message(exchange, work);
  }
  return post_receive(exchange, work);
}

int dispatch(Exchange& exchange, const WorkRequest& work) {
  switch (work.type) {
    case WorkType::kSend:
    case WorkType::kTaggedSend:
      return submit_send(exchange, work);
    case WorkType::kReceive:
    case WorkType::kTaggedReceive:
      return submit_receive(exchange, work);
    default:  // a RemoteWork's
      return -ENOSYS;
  }
}

}  // namespace

int submit(Exchange& exchange, const WorkRequest& work) {
  if (exchange.peers.catch_up()) [[unlikely]]
    forget_strangers(exchange);
  const int error = dispatch(exchange, work);
  // So that calling again without reading a queue in between gets somewhere.
  if (error == -EAGAIN) [[unlikely]]
    progress(exchange);
  return error;
}

}  // namespace anchor
