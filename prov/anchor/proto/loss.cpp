// SPDX-License-Identifier: BSD-2-Clause
#include "proto/loss.h"

#include <algorithm>
#include <cerrno>
#include <vector>

#include "os/log.h"
#include "os/unique_name.h"
#include "proto/arrival.h"
#include "proto/completion.h"
#include "proto/connection.h"
#include "proto/outbox.h"
#include "proto/polling.h"
#include "proto/remote.h"
#include "proto/rendezvous.h"
#include "proto/rma.h"
#include "proto/share_assist.h"
#include "proto/share_offer.h"

namespace anchor {
namespace {

constexpr std::ptrdiff_t kBrokenConnections = 4;

void fail_started_sends(Exchange& exchange, Peer& peer) {
  exchange.sends.for_each([&](SendRequest* request) {
    if (request->peer != &peer || request->state == SendState::kWaiting) return;
    stop_streaming(exchange, *request);
    fail_send(exchange, request->work, peer.loss);
    exchange.sends.release(request);
  });
  exchange.remotes.for_each([&](RemoteRequest* request) {
    if (request->peer == &peer && request->state != SendState::kWaiting) end_remote(exchange, *request, peer.loss);
  });
  exchange.streamed_sends -= peer.stream.announced();
  peer.stream = {};
}

void fail_transfers(Exchange& exchange, Peer& peer) {
  exchange.transfers.for_each([&](IncomingTransfer* transfer) {
    if (transfer->envelope.peer == &peer) finish_transfer(exchange, *transfer, peer.loss);
  });
}

// Announced messages are out of reach now; eager ones are complete and stay. But nobody waits for their kFinish any
// more: the next owner of the name would take it for nonsense.
void drop_announcements(Exchange& exchange, Peer& peer) {
  for (TagMatcher* matcher : {&exchange.tagged, &exchange.untagged}) {
    matcher->for_each_unexpected_from(peer.number, [&](UnexpectedMessage* found) {
      auto* message = static_cast<UnexpectedRequest*>(found);
      message->envelope.request = 0;
      if (!message->announced) return true;
      matcher->remove(message);
      drop_unexpected(exchange, *message);
      return true;
    });
  }
  for (UnexpectedRequest* message : exchange.claimed) {
    if (message->envelope.peer != &peer) continue;
    message->envelope.request = 0;
    if (message->announced) message->error = peer.loss;
  }
}

void release_block(Exchange& exchange, const BlockDescriptor& block, std::uint64_t area_offset) {
  exchange.region->release(block.offset, exchange.geometry.size());
  if (area_offset != 0) {
    exchange.region->release(area_offset, kLargeArea);
    ++exchange.areas_left;
  }
  exchange.board_owners[block.notification] = nullptr;
  exchange.free_notifications.push_back(block.notification);  // never throws: there was room for all of them once
}

// The block goes to somebody else only once nobody writes there any more.
void take_back_block(Exchange& exchange, Peer& peer) noexcept {
  if (peer.granted.offset == 0) return;
  if (!peer.may_write || !peer.region || !peer.region->alive()) {
    release_block(exchange, peer.granted, peer.area_offset);
  } else {
    peer.region->unwatch();  // its number is somebody else's soon
    try {
      exchange.abandoned.push_back({peer.name, peer.granted, peer.area_offset, std::move(peer.region)});
      exchange.board_owners[peer.granted.notification] = nullptr;
    } catch (const std::bad_alloc&) {  // then nobody ever gets it
    }
  }
  peer.granted = {};
  peer.area_offset = 0;
  peer.may_write = false;
}

bool awaited(Exchange& exchange, const Peer& peer) {
  bool found = false;
  for (TagMatcher* matcher : {&exchange.tagged, &exchange.untagged}) {
    matcher->for_each_posted_from(peer.number, [&](PostedReceive*) {
      found = true;
      return false;
    });
  }
  return found;
}

}  // namespace

void begin_loss(Exchange& exchange, Peer& peer, int error) noexcept {
  if (peer.state != PeerState::kConnected && peer.state != PeerState::kAsked) return;
  ANCHOR_INFO(kEndpoint, "connection of %s to %s ends (errno %d)", exchange.name.bytes.data(), peer.name.bytes.data(),
              error);
  peer.loss = error;
  peer.last_messages = 0;
  peer.state = PeerState::kLeaving;
  start_polling(exchange, peer);
}

void finish_loss(Exchange& exchange, Peer& peer) {
  fail_started_sends(exchange, peer);
  fail_transfers(exchange, peer);
  drop_served_reads(exchange, peer);
  drop_announcements(exchange, peer);
  const int error = peer.loss;
  // It may live and mean no harm: it shall know, and not go on writing.
  if (peer.channel && peer.channel->connected())
    static_cast<void>(peer.channel->send({.operation = Operation::kGoodbye}));
  disconnect(exchange, peer);
  fail_waiting(exchange, peer, error);
  fail_directed_receives(exchange, peer, error);
  retire_if_unused(exchange, peer);
}

void fail_waiting(Exchange& exchange, Peer& peer, int error) {
  while (SendRequest* request = peer.waiting.front()) {
    peer.waiting.remove(request);
    fail_send(exchange, request->work, error);
    release_send(exchange, *request);
  }
}

void fail_directed_receives(Exchange& exchange, Peer& peer, int error) {
  for (TagMatcher* matcher : {&exchange.tagged, &exchange.untagged}) {
    matcher->for_each_posted_from(peer.number, [&](PostedReceive* posted) {
      end_posted(exchange, *static_cast<ReceiveRequest*>(posted), error);
      return true;
    });
  }
}

void disconnect(Exchange& exchange, Peer& peer) noexcept {
  stop_polling(exchange, peer);
  std::erase(exchange.seeking, &peer);
  std::erase(exchange.backlogged, &peer);
  std::erase(exchange.starving, &peer);
  peer.backlogged = peer.starving = false;
  peer.control.clear();
  peer.replies.clear();
  peer.owed_bytes = 0;
  if (exchange.published && peer.channel) exchange.published->unfollow(*peer.channel);
  peer.channel.reset();
  peer.attention = {};
  peer.gathering = false;
  close_offer(exchange, peer);
  drop_share(exchange, peer);
  peer.write_error = 0;
  if (peer.region) peer.region->release_contact();
  take_back_block(exchange, peer);
  forget_region(peer);
  peer.received = {};
  peer.state = PeerState::kIdle;
  peer.loss = 0;
}

void release_abandoned(Exchange& exchange) {
  std::erase_if(exchange.abandoned, [&](const AbandonedBlock& abandoned) {
    if (abandoned.writer->alive()) return false;
    release_block(exchange, abandoned.block, abandoned.area_offset);
    return true;
  });
}

bool is_banned(const Exchange& exchange, const Peer& peer) noexcept {
  return std::count_if(exchange.abandoned.begin(), exchange.abandoned.end(), [&](const AbandonedBlock& abandoned) {
           return abandoned.writer_name == peer.name;
         }) >= kBrokenConnections;
}

void fail_if_gone(Exchange& exchange, Peer& peer) {
  std::unique_ptr<RemoteRegion> region;
  const int error = peer.state == PeerState::kIdle ? exchange.device.attach(peer.name, &region) : 0;
  if (error != -ENOENT && error != -EOWNERDEAD) {
    peer.gone = false;
    return;
  }
  fail_directed_receives(exchange, peer, ECONNRESET);
}

void retire_if_unused(Exchange& exchange, Peer& peer) {
  if (peer.state == PeerState::kIdle && peer.address == kAnyAddress && peer.unexpected_messages == 0 &&
      peer.waiting.empty() && !awaited(exchange, peer))
    exchange.peers.retire(peer);
}

Verdict on_goodbye(Exchange& exchange, Peer& peer, const IncomingMessage&) {
  peer.may_write = false;
  peer.gone |= is_unique(peer.name);
  begin_loss(exchange, peer, ECONNRESET);
  return Verdict::kTaken;
}

}  // namespace anchor
