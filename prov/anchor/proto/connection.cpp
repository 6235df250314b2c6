// SPDX-License-Identifier: BSD-2-Clause
#include "proto/connection.h"

#include <cerrno>
#include <new>
#include <vector>

#include "dma/retrieval.h"
#include "fifo/anchor_record.h"
#include "os/unique_name.h"
#include "proto/direct_access.h"
#include "proto/outbox.h"
#include "proto/polling.h"

namespace anchor {
namespace {

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

// A peer that is not told, for want of memory, has its writes carried out by us.
void tell_of_regions(Exchange& exchange, Peer& peer) noexcept {
  if (!peer.distant() || !exchange.published) return;
  try {
    exchange.published->follow(*peer.channel);
  } catch (const std::bad_alloc&) {
  }
}

}  // namespace

void reserve_peer_lists(Exchange& exchange) {
  const std::size_t count = exchange.peers.size();
  if (exchange.polled.capacity() < count) exchange.polled.reserve(2 * count);
  for (std::vector<Peer*>* list :
       {&exchange.backlogged, &exchange.expected, &exchange.assisted, &exchange.seeking, &exchange.starving})
    if (list->capacity() < count) list->reserve(2 * count);
}

int retrieve_record(Exchange& exchange, Peer& peer) {
  const Retrieval setup;
  std::unique_ptr<RemoteRegion> region;
  const int attached = exchange.device.attach(peer.name, &region);
  if (attached == -EOWNERDEAD) {
    peer.gone |= is_unique(peer.name);
    return -ENOENT;
  }
  if (attached != 0) return attached;
  peer.gone &= is_unique(peer.name);  // somebody has its name again
  Mapping first_page;
  if (const int error = region->map(0, kPageSize, &first_page)) return error;
  AnchorContents contents;
  if (const int error = read_anchor_record(first_page.data(), peer.name, region->memory(), &contents)) return error;
  if (const int error = region->map(0, contents.header_size, &peer.header)) return error;
  peer.contents = contents;
  peer.region = std::move(region);
  exchange.unasked = true;
  return 0;
}

void forget_region(Peer& peer) noexcept {
  peer.copied.reset();
  peer.protection.reset();
  peer.mapped.reset();
  peer.wrote_mapped = false;
  peer.detours = 0;
  peer.direct.reset();
  peer.direct_tried = false;
  peer.region.reset();
  peer.notice = DeathNotice::kUnasked;
  peer.header = Mapping();
}

// Where the file was cut short there are zeros now, which its owner did not put there: the look finds that out.
void note_end(Peer& peer) noexcept {
  const Retrieval end;
  const bool withdrawn = anchor_record_withdrawn(peer.header.data(), peer.region->memory());
  peer.gone = !withdrawn || peer.header.lost() || is_unique(peer.name);
}

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

int grant_block(Exchange& exchange, Peer& peer) {
  if (peer.granted.offset != 0) return 0;
  if (exchange.free_notifications.empty()) return -EUSERS;
  reserve_peer_lists(exchange);
  std::uint64_t offset;
  std::byte* block;
  if (const int error = exchange.region->allocate(exchange.geometry.size(), &offset, &block)) return error;
  try {
    peer.channel = peer.name == exchange.name ? make_shm_channel(block, exchange.geometry, true,
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

int open_transmit(Peer& peer, Channel& channel, const BlockDescriptor& block) {
  const BlockGeometry geometry{block.slot_count, block.payload_bytes};
  if (!valid(geometry) || block.offset < peer.contents.header_size || block.offset % kPageSize != 0 ||
      block.notification >= peer.contents.notification_count)
    return -EPROTO;
  Mapping mapping;
  if (const int error = peer.region->map(block.offset, geometry.size(), &mapping)) return error;
  channel.connect(std::move(mapping), geometry, bell_at(peer, block.notification));
  peer.received = block;
  return 0;
}

void become_connected(Exchange& exchange, Peer& peer) {
  if (peer.region) peer.region->release_contact();
  std::erase(exchange.seeking, &peer);
  peer.state = PeerState::kConnected;
  peer.gone = false;
  start_polling(exchange, peer);
  if (!peer.waiting.empty()) mark_backlogged(exchange, peer);
  open_direct(exchange, peer);
  tell_of_regions(exchange, peer);
}

}  // namespace anchor
