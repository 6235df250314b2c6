// SPDX-License-Identifier: BSD-2-Clause
// The side that begins: looks for the peer, asks it, and takes its answer.
#include <algorithm>
#include <cerrno>
#include <new>

#include "fifo/contact.h"
#include "os/log.h"
#include "proto/alertness.h"
#include "proto/connect.h"
#include "proto/connection.h"
#include "proto/loss.h"
#include "proto/outbox.h"
#include "proto/polling.h"

namespace anchor {
namespace {

// A peer that is not there yet is looked for after the first interval, then after twice as long each time up to the
// last.
constexpr Milliseconds kFirstRetry{2};
constexpr Milliseconds kLastRetry{32};

int post_request(Exchange& exchange, Peer& peer) {
  const ContactRequest request{exchange.name, exchange.incarnation, peer.granted};
  const std::uint32_t count = peer.contents.contact_count;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto index = static_cast<std::uint32_t>((exchange.incarnation + i) % count);
    const int error = peer.region->claim_contact(index);
    if (error == -EBUSY) continue;
    if (error != 0) return error;
    peer.may_write = true;
    post_contact(peer.header.data(), peer.contents, index, request, peer.region->memory());
    bell_at(peer, index).ring();
    return 0;
  }
  return -EAGAIN;
}

int connect_self(Exchange& exchange, Peer& peer) {
  if (const int error = grant_block(exchange, peer)) return error;
  become_connected(exchange, peer);
  return 0;
}

// One attempt. 0: asked or connected. -ENOENT, -EAGAIN: try again later.
int attempt(Exchange& exchange, Peer& peer) {
  if (peer.name == exchange.name) return connect_self(exchange, peer);
  if (is_banned(exchange, peer)) return -EPROTO;
  if (!peer.region)
    if (const int error = retrieve_record(exchange, peer)) return error;
  // What needs no connection goes ahead.
  if (!peer.waiting.empty()) mark_backlogged(exchange, peer);
  if (const int error = grant_block(exchange, peer)) return error;
  if (const int error = post_request(exchange, peer)) return error;
  peer.state = PeerState::kAsked;
  start_polling(exchange, peer);
  return 0;
}

}  // namespace

void seek_peer(Exchange& exchange, Peer& peer) {
  peer.state = PeerState::kSeeking;
  peer.retry_interval = kFirstRetry;
  peer.deadline = Clock::now() + exchange.settings.connect_timeout;
  exchange.seeking.push_back(&peer);
  rouse(exchange);
  try_connect(exchange, peer);
}

void await_peer(Exchange& exchange, Peer& peer) {
  if (peer.gone) fail_if_gone(exchange, peer);
  if (peer.gone) return;
  reserve_peer_lists(exchange);
  seek_peer(exchange, peer);
}

void try_connect(Exchange& exchange, Peer& peer) {
  if (peer.region && !peer.region->alive()) {
    note_end(peer);
    return restart_search(exchange, peer);
  }
  int error;
  try {
    error = attempt(exchange, peer);
  } catch (const std::bad_alloc&) {
    error = -EAGAIN;
  }
  if (error == 0) return;
  if (error == -ENOENT && peer.gone) return give_up(exchange, peer, ECONNRESET);
  if (error != -ENOENT && error != -EAGAIN) return give_up(exchange, peer, -error);
  const TimePoint now = Clock::now();
  if (now >= peer.deadline) {
    if (peer.waiting.empty()) return give_up(exchange, peer, ETIMEDOUT);
    ANCHOR_WARN(kEndpoint, "%s %s within FI_ANCHOR_CONNECT_TIMEOUT (%lld ms)", peer.name.bytes.data(),
                error == -ENOENT
                    ? "has not published its region (is it running, as this user, and with the same FI_ANCHOR_SHM_DIR?)"
                    : "is there, but could not be asked for a connection",
                static_cast<long long>(exchange.settings.connect_timeout.count()));
    return give_up(exchange, peer, ETIMEDOUT);
  }
  peer.next_attempt = now + peer.retry_interval;
  peer.retry_interval = std::min(2 * peer.retry_interval, kLastRetry);
}

void give_up(Exchange& exchange, Peer& peer, int error) {
  disconnect(exchange, peer);
  fail_waiting(exchange, peer, error);
  if (error != ETIMEDOUT) fail_directed_receives(exchange, peer, error);
  retire_if_unused(exchange, peer);
}

void restart_search(Exchange& exchange, Peer& peer) {
  const TimePoint deadline = peer.deadline;
  disconnect(exchange, peer);
  fail_directed_receives(exchange, peer, ECONNRESET);
  if (peer.waiting.empty()) return;
  // Not tried at once: an attempt may give the peer up and forget it, and the caller still uses it.
  peer.state = PeerState::kSeeking;
  peer.retry_interval = kFirstRetry;
  peer.deadline = deadline;
  peer.next_attempt = {};
  exchange.seeking.push_back(&peer);
}

Verdict on_grant(Exchange& exchange, Peer& peer, const IncomingMessage& message) {
  const auto body = message.body_as<GrantBody>();
  if (body.incarnation != exchange.incarnation) return Verdict::kMalformed;
  if (peer.state != PeerState::kAsked) return Verdict::kTaken;  // its own contact told us already
  switch (open_transmit(peer, *peer.channel, body.block)) {
    case 0:
      become_connected(exchange, peer);
      return Verdict::kTaken;
    case -ENOENT:  // answered, sent and left; what it sent is still to be read
      note_end(peer);
      begin_loss(exchange, peer, ECONNRESET);
      return Verdict::kTaken;
    case -EPROTO:
      return Verdict::kMalformed;
    default:  // no file descriptor or memory left at the moment
      return Verdict::kNotNow;
  }
}

Verdict on_refuse(Exchange& exchange, Peer& peer, const IncomingMessage& message) {
  const auto body = message.body_as<RefuseBody>();
  if (peer.state != PeerState::kAsked || body.incarnation != exchange.incarnation) return Verdict::kMalformed;
  peer.may_write = false;
  begin_loss(exchange, peer, error_in(body.status));
  return Verdict::kTaken;
}

}  // namespace anchor
