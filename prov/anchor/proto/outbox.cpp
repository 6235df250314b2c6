// SPDX-License-Identifier: BSD-2-Clause
#include "proto/outbox.h"

#include <algorithm>
#include <cerrno>
#include <new>

#include "os/gather.h"
#include "proto/alertness.h"
#include "proto/atomic.h"
#include "proto/connect.h"
#include "proto/connection.h"
#include "proto/loss.h"
#include "proto/remote.h"
#include "proto/send.h"

namespace anchor {
namespace {

// 0: nothing waits any more.
int flush_control(Peer& peer) noexcept {
  std::size_t sent = 0;
  int error = 0;
  while (sent < peer.control.size() && (error = peer.channel->send(peer.control[sent])) == 0) ++sent;
  peer.control.erase(peer.control.begin(), peer.control.begin() + static_cast<std::ptrdiff_t>(sent));
  return error;
}

int start_waiting(Exchange& exchange, Peer& peer, SendRequest& request) noexcept {
  if (!is_remote(request.work.type)) return start_send(exchange, peer, request.work, &request);
  auto& remote = static_cast<RemoteRequest&>(request);
  return start_remote(exchange, peer, remote.remote_work(), &remote);
}

int flush_peer(Exchange& exchange, Peer& peer) {
  peer.gathering = false;
  if (peer.state != PeerState::kConnected) {
    flush_remotes(exchange, peer);
    return 0;  // connecting to it flushes the rest later; losing it fails what waits
  }
  if (const int error = flush_control(peer)) return error;
  if (const int error = flush_replies(peer)) return error;
  while (SendRequest* request = peer.waiting.front())
    if (const int error = start_waiting(exchange, peer, *request)) return error;
  return 0;
}

}  // namespace

void flush_remotes(Exchange& exchange, Peer& peer) noexcept {
  peer.gathering = false;
  for (SendRequest* request; (request = peer.waiting.front()) != nullptr && is_remote(request->work.type);)
    if (start_waiting(exchange, peer, *request) != 0) return;
}

void mark_backlogged(Exchange& exchange, Peer& peer) {
  if (peer.backlogged) return;
  exchange.backlogged.push_back(&peer);
  peer.backlogged = true;
  rouse(exchange);
}

void post_control(Exchange& exchange, Peer& peer, const OutgoingMessage& message) {
  if (!peer.channel || !peer.channel->connected()) return;  // lost meanwhile: nobody waits for it
  if (peer.control.empty() && peer.channel->send(message) == 0) return;
  try {
    peer.control.push_back(message);
    mark_backlogged(exchange, peer);
  } catch (const std::bad_alloc&) {
    begin_loss(exchange, peer, ENOMEM);  // it would wait for ever for this
  }
}

void post_finish(Exchange& exchange, Peer& peer, std::uint64_t request, int status) {
  OutgoingMessage message{.operation = Operation::kFinish};
  message.set_body(FinishBody{request, status});
  post_control(exchange, peer, message);
}

void post_remote_finish(Exchange& exchange, Peer& peer, std::uint64_t request, int status) {
  OutgoingMessage message{.operation = Operation::kRemoteFinish};
  message.set_body(RemoteFinishBody{request, status});
  post_control(exchange, peer, message);
}

SendRequest* keep_send(Exchange& exchange, Peer& peer, const WorkRequest& work) {
  SendRequest* request = exchange.sends.acquire();
  if (request == nullptr) return nullptr;
  request->work = work;
  std::copy_n(work.segments, work.segment_count, request->segments);
  request->work.segments = request->segments;
  request->peer = &peer;
  request->state = SendState::kWaiting;
  return request;
}

int queue_send(Exchange& exchange, Peer& peer, const WorkRequest& work) {
  reserve_peer_lists(exchange);
  SendRequest* request = keep_send(exchange, peer, work);
  if (request == nullptr) return -EAGAIN;
  if ((work.flags & kInject) && work.length != 0) {
    request->copy.reset(new (std::nothrow) std::byte[work.length]);
    if (!request->copy) {
      exchange.sends.release(request);
      return -EAGAIN;
    }
    gather(request->copy.get(), work.segments, work.segment_count, 0, work.length);
    request->segments[0] = {request->copy.get(), work.length};
    request->work.segment_count = 1;
  }
  await_turn(exchange, peer, *request);
  return 0;
}

void await_turn(Exchange& exchange, Peer& peer, SendRequest& request) {
  // Who is sought for a receive's sake only has been so for a while.
  if (peer.waiting.empty()) peer.deadline = Clock::now() + exchange.settings.connect_timeout;
  peer.waiting.push_back(&request);
  if (peer.state == PeerState::kIdle) seek_peer(exchange, peer);
  if (peer.state == PeerState::kConnected) mark_backlogged(exchange, peer);
}

void release_send(Exchange& exchange, SendRequest& request) noexcept {
  if (is_remote(request.work.type)) return exchange.remotes.release(static_cast<RemoteRequest*>(&request));
  exchange.sends.release(&request);
}

void flush_backlog(Exchange& exchange) {
  for (std::size_t i = 0; i < exchange.backlogged.size();) {
    Peer& peer = *exchange.backlogged[i];
    const int error = flush_peer(exchange, peer);
    if (error == -EAGAIN) {
      ++i;
      continue;
    }
    peer.backlogged = false;
    exchange.backlogged[i] = exchange.backlogged.back();
    exchange.backlogged.pop_back();
    if (error != 0) begin_loss(exchange, peer, -error);
  }
}

}  // namespace anchor
