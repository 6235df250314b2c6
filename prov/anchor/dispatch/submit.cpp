// SPDX-License-Identifier: BSD-2-Clause
#include "dispatch/submit.h"

#include <cerrno>
#include <new>

#include "dispatch/progress.h"
#include "proto/arrival.h"
#include "proto/completion.h"
#include "proto/loss.h"
#include "proto/outbox.h"
#include "proto/peek.h"
#include "proto/send.h"
#include "proto/upkeep.h"

namespace anchor {
namespace {

// What most sends are: few bytes in one piece that are done with once they lie in the peer's FIFO, and end with an
// entry in the queue, or none.
bool is_usual(const Exchange& exchange, const WorkRequest& work) noexcept {
  return work.length <= kInlineSize && work.segment_count == 1 &&
         (work.flags & (kDeliveryComplete | kFence | kDeferred)) == 0 && exchange.send_counter == nullptr &&
         exchange.send_queue != nullptr && exchange.send_queue->takes_at_once() && exchange.peers.up_to_date();
}

int take_on_send(Exchange& exchange, const WorkRequest& work) {
  if (exchange.send_queue != nullptr && exchange.send_queue->full()) return -EAGAIN;
  Peer* peer = exchange.peers.at_address(work.address);
  if (peer == nullptr) return -EINVAL;
  if (peer->ready()) {
    const int error = start_send(exchange, *peer, work, nullptr);
    if (error == 0) return 0;
    if (error != -EAGAIN) begin_loss(exchange, *peer, -error);
  }
  // Room comes within the time that keeping a copy of the bytes would take.
  if ((work.flags & kInject) && peer->state == PeerState::kConnected) return -EAGAIN;
  // Not connected yet, or its FIFO is full: it waits behind the peer's others, and holds up nobody else.
  return queue_send(exchange, *peer, work);
}

int take_on_receive(Exchange& exchange, const WorkRequest& work) {
  if (work.flags & (kPeek | kClaim | kDiscard)) {
    if ((work.flags & kPeek) == 0) return receive_claimed(exchange, work);
    // Whoever peeks in a loop always finds a completion to read, so reading never makes progress for him.
    progress(exchange);
    return peek_message(exchange, work);
  }
  return post_receive(exchange, work);
}

// The way of every other request.
template <int (*kTakeOn)(Exchange&, const WorkRequest&)>
[[gnu::noinline]] int take_on(Exchange& exchange, const WorkRequest& work) noexcept try {
  if (exchange.peers.catch_up()) forget_strangers(exchange);
  const int error = kTakeOn(exchange, work);
  // So that calling again without reading a queue in between gets somewhere.
  if (error == -EAGAIN) progress(exchange);
  return error;
} catch (const std::bad_alloc&) {
  return -EAGAIN;
}

}  // namespace

int submit_send(Exchange& exchange, const WorkRequest& work) noexcept {
  if (is_usual(exchange, work)) [[likely]] {
    Peer* peer = exchange.peers.met_at(work.address);
    if (peer != nullptr && peer->ready() && send_small(*peer->channel, work) == 0) [[likely]] {
      if (work.flags & kWantCompletion) exchange.send_queue->push_at_once(sent_entry(work));
      return 0;
    }
  }
  return take_on<take_on_send>(exchange, work);
}

int submit_receive(Exchange& exchange, const WorkRequest& work) noexcept {
  if (exchange.peers.up_to_date() && post_at_once(exchange, work)) [[likely]]
    return 0;
  return take_on<take_on_receive>(exchange, work);
}

}  // namespace anchor
