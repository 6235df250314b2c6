// SPDX-License-Identifier: BSD-2-Clause
#include "proto/connect.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <new>

#include "dma/retrieval.h"
#include "fifo/contact.h"
#include "os/log.h"
#include "os/process.h"
#include "proto/alertness.h"
#include "proto/loss.h"
#include "proto/outbox.h"
#include "proto/polling.h"

namespace anchor {
namespace {

// A peer that is not there yet is looked for after the first interval, then after twice as long each time up to the
// last.
constexpr Milliseconds kFirstRetry{2};
constexpr Milliseconds kLastRetry{32};
// Connections that one living incarnation may break; each costs a block until it dies.
constexpr std::size_t kBrokenConnections = 4;

BlockGeometry geometry_of(const BlockDescriptor& block) noexcept { return {block.slot_count, block.payload_bytes}; }

Bell bell_at(const Peer& peer, std::uint32_t index) noexcept {
  std::byte* place =
      peer.header.data() + peer.contents.notification_offset + std::size_t{index} * peer.contents.notification_stride;
  if (peer.region->distant()) return Bell(place, peer.region->memory(), peer.region->doorbell());
  return Bell(place, reinterpret_cast<const SleepLine*>(peer.header.data() + peer.contents.sleep_offset),
              peer.region.get());
}

std::unique_ptr<Channel> channel_to(const Peer& peer, std::byte* block, const BlockGeometry& geometry) {
  return peer.region->distant() ? make_window_channel(block, geometry, peer.region->memory())
                                : make_shm_channel(block, geometry, false);
}

std::byte* own_bell_place(const Exchange& exchange, std::uint32_t index) noexcept {
  const BoardLayout& board = board_layout(exchange.device.memory());
  return exchange.region->header() + board.offset + std::size_t{index} * board.stride;
}

// Rung by one thread that sends to its own endpoint while another one sleeps on it.
Bell own_bell(Exchange& exchange, std::uint32_t index) noexcept {
  const std::byte* header = exchange.region->header();
  return Bell(own_bell_place(exchange, index), reinterpret_cast<const SleepLine*>(header + kSleepOffset),
              exchange.region.get());
}

// A block in our region for the peer, whose own is known, and a channel that receives through it. Keeps what is there
// already.
int grant_block(Exchange& exchange, Peer& peer, bool loopback) {
  if (peer.granted.offset != 0) return 0;
  if (exchange.free_notifications.empty()) return -EUSERS;
  reserve_peer_lists(exchange);
  std::uint64_t offset;
  std::byte* block;
  if (const int error = exchange.region->allocate(exchange.geometry.size(), &offset, &block)) return error;
  try {
    peer.channel = loopback ? make_shm_channel(block, exchange.geometry, true,
                                               own_bell(exchange, exchange.free_notifications.back()))
                            : channel_to(peer, block, exchange.geometry);
  } catch (const std::bad_alloc&) {
    exchange.region->release(offset, exchange.geometry.size());
    return -EAGAIN;
  }
  peer.granted = {.offset = offset,
                  .slot_count = exchange.geometry.slot_count,
                  .payload_bytes = exchange.geometry.payload_bytes,
                  .notification = exchange.free_notifications.back(),
                  .reserved = 0};
  exchange.free_notifications.pop_back();
  exchange.region->hand_over(own_bell_place(exchange, peer.granted.notification), 1);
  exchange.board_owners[peer.granted.notification] = &peer;
  exchange.board->use(peer.granted.notification);
  return 0;
}

// Finds the peer's region and retrieves its anchor record: first page, check, then the whole header.
int retrieve_record(Exchange& exchange, Peer& peer) {
  const Retrieval setup;
  std::unique_ptr<RemoteRegion> region;
  if (const int error = exchange.device.attach(peer.name, &region)) return error;
  Mapping first_page;
  if (const int error = region->map(0, kPageSize, &first_page)) return error;
  AnchorContents contents;
  if (const int error = read_anchor_record(first_page.data(), peer.name, &contents)) return error;
  if (const int error = region->map(0, contents.header_size, &peer.header)) return error;
  peer.contents = contents;
  peer.region = std::move(region);
  peer.watched = false;
  exchange.new_regions = true;
  return 0;
}

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

// A peer that is not told, for want of memory, has its writes carried out by us.
void tell_of_regions(Exchange& exchange, Peer& peer) noexcept {
  if (!peer.distant() || !exchange.published) return;
  try {
    exchange.published->follow(*peer.channel);
  } catch (const std::bad_alloc&) {
  }
}

void become_connected(Exchange& exchange, Peer& peer) {
  if (peer.region) peer.region->release_contact();
  std::erase(exchange.seeking, &peer);
  peer.state = PeerState::kConnected;
  peer.crashed = false;
  start_polling(exchange, peer);
  if (!peer.waiting.empty()) mark_backlogged(exchange, peer);
  open_direct(exchange, peer);
  tell_of_regions(exchange, peer);
}

void forget_region(Peer& peer) noexcept {
  peer.copied.reset();
  peer.protection.reset();
  peer.mapped.reset();
  peer.direct.reset();
  peer.direct_tried = false;
  peer.region.reset();
  peer.header = Mapping();
}

// Maps the block that the peer granted us. -EPROTO: its description makes no sense.
int open_transmit(Peer& peer, Channel& channel, const BlockDescriptor& block) {
  const BlockGeometry geometry = geometry_of(block);
  if (!valid(geometry) || block.offset < peer.contents.header_size || block.offset % kPageSize != 0 ||
      block.notification >= peer.contents.notification_count)
    return -EPROTO;
  Mapping mapping;
  if (const int error = peer.region->map(block.offset, geometry.size(), &mapping)) return error;
  channel.connect(std::move(mapping), geometry, bell_at(peer, block.notification));
  peer.received = block;
  return 0;
}

int connect_self(Exchange& exchange, Peer& peer) {
  if (const int error = grant_block(exchange, peer, true)) return error;
  become_connected(exchange, peer);
  return 0;
}

// One attempt. 0: asked or connected. -ENOENT, -EAGAIN: try again later.
int attempt(Exchange& exchange, Peer& peer) {
  if (peer.name == exchange.name) return connect_self(exchange, peer);
  if (abandoned_by(exchange, peer.name) >= kBrokenConnections) return -EPROTO;
  if (peer.region && !peer.region->alive()) {
    forget_region(peer);
  }
  if (!peer.region)
    if (const int error = retrieve_record(exchange, peer)) return error;
  // What needs no connection goes ahead.
  if (!peer.waiting.empty()) mark_backlogged(exchange, peer);
  if (const int error = grant_block(exchange, peer, false)) return error;
  if (const int error = post_request(exchange, peer)) return error;
  peer.state = PeerState::kAsked;
  start_polling(exchange, peer);
  return 0;
}

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
  const bool banned = abandoned_by(exchange, peer.name) >= kBrokenConnections;
  if (const int error = banned ? -EPROTO : grant_block(exchange, peer, false)) {
    if (error != -EAGAIN) refuse_contact(exchange, peer, request, error);
    return error;
  }
  if (const int error = open_transmit(peer, *peer.channel, request.block)) return error;
  peer.may_write = true;
  OutgoingMessage message{.operation = Operation::kGrant};
  message.set_body(GrantBody{request.requester_incarnation, peer.granted});
  return peer.channel->send(message);
}

// Our own memory is for endpoints of our own only: the kernel lets us write there whatever the addresses, which are the
// peer's to choose.
bool names_our_memory(const Peer& peer, const DirectCopyOffer& offer) noexcept {
  return peer.region != nullptr && is_own_process(offer.process_id) && !peer.region->of_this_process();
}

}  // namespace

void open_direct(Exchange& exchange, Peer& peer) noexcept {
  if (!exchange.settings.direct_copy || peer.direct_tried || peer.distant()) return;
  peer.direct_tried = true;
  const DirectCopyOffer offer = peer.region ? peer.contents.direct_copy : exchange.own_offer();
  if (names_our_memory(peer, offer)) {
    ANCHOR_WARN(kEndpoint,
                "%s gives the memory of this process (%lld) as its own, but its region is not known to be of this "
                "process: all that is transferred goes through the FIFO",
                peer.name.bytes.data(), static_cast<long long>(offer.process_id));
    return;
  }
  if (const int error = exchange.device.open_direct_copy(offer, &peer.direct))
    ANCHOR_INFO(kEndpoint, "memory of %s cannot be reached directly (errno %d): large transfers go through the FIFO",
                peer.name.bytes.data(), -error);
}

void reserve_peer_lists(Exchange& exchange) {
  const std::size_t count = exchange.peers.size();
  if (exchange.polled.capacity() < count) exchange.polled.reserve(2 * count);
  for (std::vector<Peer*>* list :
       {&exchange.backlogged, &exchange.expected, &exchange.assisted, &exchange.seeking, &exchange.starving})
    if (list->capacity() < count) list->reserve(2 * count);
}

void seek_peer(Exchange& exchange, Peer& peer) {
  peer.state = PeerState::kSeeking;
  peer.retry_interval = kFirstRetry;
  peer.deadline = Clock::now() + exchange.settings.connect_timeout;
  exchange.seeking.push_back(&peer);
  rouse(exchange);
  try_connect(exchange, peer);
}

void await_peer(Exchange& exchange, Peer& peer) {
  if (peer.crashed) fail_if_gone(exchange, peer);
  if (peer.crashed) return;
  reserve_peer_lists(exchange);
  seek_peer(exchange, peer);
}

void try_connect(Exchange& exchange, Peer& peer) {
  int error;
  try {
    error = attempt(exchange, peer);
  } catch (const std::bad_alloc&) {
    error = -EAGAIN;
  }
  if (error == 0) return;
  if (error == -ENOENT && peer.crashed) return give_up(exchange, peer, ECONNRESET);
  if (error != -ENOENT && error != -EAGAIN) return give_up(exchange, peer, -error);
  const TimePoint now = Clock::now();
  if (now >= peer.deadline) {
    if (peer.waiting.empty()) return give_up(exchange, peer, ETIMEDOUT);
    ANCHOR_WARN(kEndpoint, "%s %s within FI_ANCHOR_CONNECT_TIMEOUT (%lld ms)", peer.name.bytes.data(),
                error == -ENOENT ? "has not published its region: is it running?"
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
  if (error == -EAGAIN) return false;
  if (error != 0) {
    if (peer.state == PeerState::kIdle) disconnect(exchange, peer);
    retire_if_unused(exchange, peer);
    return true;
  }
  error = exchange_blocks(exchange, peer, request);
  if (error == -EAGAIN) return false;
  if (error != 0) {
    give_up(exchange, peer, -error);
  } else {
    become_connected(exchange, peer);
  }
  return true;
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
  peer.loss = error_in(body.status);
  peer.state = PeerState::kLeaving;
  return Verdict::kTaken;
}

}  // namespace anchor
