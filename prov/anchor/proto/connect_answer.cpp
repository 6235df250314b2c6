// SPDX-License-Identifier: BSD-2-Clause
// The side that is asked: takes the requester's block and grants it one, or says why it does not.
#include <cerrno>
#include <cstring>
#include <memory>
#include <new>

#include "fifo/contact.h"
#include "os/log.h"
#include "proto/connect.h"
#include "proto/connection.h"
#include "proto/loss.h"

namespace anchor {
namespace {

const char* reason_of_refusal(int error) noexcept {
  switch (error) {
    case -ENOSPC:
      return "no memory for its FIFO; enlarge the window, if it lies there, or else the file system of the regions "
             "(FI_ANCHOR_SHM_DIR, else /dev/shm)";
    case -EUSERS:
      return "as many peers as an endpoint can have are connected; open another endpoint";
    case -EPROTO:
      return "it broke the protocol several times; it has to be restarted";
    default:
      return std::strerror(-error);
  }
}

// Tells the requester that it gets no block, through the block it granted us. The answer needs a block to return
// credits to; nothing ever returns them, so private memory serves.
void refuse_contact(Exchange& exchange, Peer& peer, const ContactRequest& request, int error) {
  ANCHOR_WARN(kEndpoint, "%s cannot connect to %s: %s", peer.name.bytes.data(), exchange.name.bytes.data(),
              reason_of_refusal(error));
  const std::size_t size = exchange.geometry.size();
  const std::unique_ptr<std::byte, void (*)(std::byte*)> scratch(
      static_cast<std::byte*>(::operator new (size, std::align_val_t{kPageSize}, std::nothrow)),
      [](std::byte* p) { ::operator delete (p, std::align_val_t{kPageSize}); });
  if (!scratch) return;
  std::memset(scratch.get(), 0, size);
  const std::unique_ptr<Channel> channel = channel_to(peer, scratch.get(), exchange.geometry);
  if (open_transmit(peer, *channel, request.block) != 0) return;
  OutgoingMessage message{.operation = Operation::kRefuse};
  message.set_body(RefuseBody{request.requester_incarnation, error});
  static_cast<void>(channel->send(message));
}

// Makes the peer's region the one that the request speaks of. -EAGAIN: no file descriptor left at the moment; otherwise
// the request is stale.
int adopt_region(Exchange& exchange, Peer& peer, const ContactRequest& request) {
  if (peer.region && peer.contents.incarnation != request.requester_incarnation) {
    if (peer.region->alive()) return -ENOENT;
    restart_search(exchange, peer);
  }
  if (!peer.region)
    if (const int error = retrieve_record(exchange, peer)) return error;
  return peer.contents.incarnation == request.requester_incarnation ? 0 : -ENOENT;
}

// The requester's block becomes what we send through, ours what it sends through. 0, or why not.
int exchange_blocks(Exchange& exchange, Peer& peer, const ContactRequest& request) {
  if (const int error = is_banned(exchange, peer) ? -EPROTO : grant_block(exchange, peer)) {
    if (error != -EAGAIN) refuse_contact(exchange, peer, request, error);
    return error;
  }
  if (const int error = open_transmit(peer, *peer.channel, request.block)) return error;
  peer.may_write = true;
  OutgoingMessage message{.operation = Operation::kGrant};
  message.set_body(GrantBody{request.requester_incarnation, peer.granted});
  return peer.channel->send(message);
}

}  // namespace

bool answer_contact(Exchange& exchange, std::uint32_t index) {
  ContactRequest request;
  if (!read_contact(exchange.region->header(), index, &request, exchange.device.memory())) return true;
  if (!request.requester.valid() || request.requester == exchange.name) return true;
  Peer& peer = exchange.peers.with_name(request.requester);
  if (peer.state == PeerState::kConnected || peer.state == PeerState::kLeaving) {
    const bool known = peer.contents.incarnation == request.requester_incarnation;
    // Both sides had asked, and the other one's answer came first.
    if (known && peer.received == request.block) return true;
    // Whoever uses a living endpoint's name does not cut it off. But it may have ended this connection by itself.
    if (!known && peer.region && peer.region->alive()) return true;
    begin_loss(exchange, peer, ECONNRESET);
    return false;
  }
  int error = adopt_region(exchange, peer, request);
  const bool there = error == 0;
  if (there) error = exchange_blocks(exchange, peer, request);
  if (error == -EAGAIN) return false;
  if (error == 0) {
    become_connected(exchange, peer);
  } else if (there && error != -ENOENT) {
    give_up(exchange, peer, -error);
  } else {
    // Stale, or gone again: if it was asked, what it had sent is still to be read, and its end to be found.
    if (peer.state == PeerState::kIdle) disconnect(exchange, peer);
    retire_if_unused(exchange, peer);
  }
  return true;
}

}  // namespace anchor
