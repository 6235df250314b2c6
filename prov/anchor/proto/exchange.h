// SPDX-License-Identifier: BSD-2-Clause
// What the protocols of one endpoint share: its region, its peers, its matchers, its requests, and where completions
// go.
//
// Plain state, owned by dispatch/Endpoint and used under its lock. Behaviour lives in the protocol files.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/completion_queue.h"
#include "core/counter.h"
#include "core/endpoint_settings.h"
#include "core/intrusive_list.h"
#include "core/memory_region.h"
#include "core/request_pool.h"
#include "core/tag_match.h"
#include "fifo/notification.h"
#include "fifo/sleep_line.h"
#include "os/memory_probe.h"
#include "proto/peer_table.h"
#include "proto/region_table.h"
#include "proto/requests.h"

namespace anchor {

// A block of ours whose writer lost its connection but not its life, and may write there still.
struct AbandonedBlock {
  EndpointName writer_name;
  BlockDescriptor block;
  std::uint64_t area_offset;
  std::unique_ptr<RemoteRegion> writer;
};

// A peer whose FIFO is looked at in every pass. A power of two in size, so that how many there are is no division.
struct alignas(32) PolledPeer {
  Peer* peer;
  AwaitedMessage awaited;  // as its channel said last
};

struct Exchange {
  Exchange(Device& on, const EndpointSettings& with)
      : settings(with),
        device(on),
        sends(with.transmit_size),
        remotes(with.transmit_size),
        geometry{with.fifo_slots, with.fifo_payload},
        areas_left(with.large_areas),
        look_interval(with.liveness_interval) {
    contacts.reserve(kContactEntries);
  }

  TagMatcher& matcher(bool is_tagged) noexcept { return is_tagged ? tagged : untagged; }

  // The one peer that a receive or a peek is directed at; nullptr: any will do. False: an address that leads nowhere.
  bool find_source(const WorkRequest& work, Peer** source) {
    *source = nullptr;
    if (!settings.directed_receive || work.address == kAnyAddress) return true;
    *source = peers.at_address(work.address);
    return *source != nullptr;
  }

  // AccessRights whose use by peers is counted here, whatever the region. (With data they are told anyway.)
  std::uint32_t counted() const noexcept {
    if (!settings.access_events) return 0;
    return (remote_read_counter != nullptr ? kRemoteRead : 0u) | (remote_write_counter != nullptr ? kRemoteWrite : 0u);
  }

  // Where peers may copy from our memory directly, and how they find out that it is ours.
  DirectCopyOffer own_offer() const noexcept {
    return {
        .process_id = getpid(), .proof_address = reinterpret_cast<std::uint64_t>(proof), .proof = {proof[0], proof[1]}};
  }

  // Hot: every submit and every pass.
  CompletionQueue* send_queue = nullptr;
  CompletionQueue* receive_queue = nullptr;
  Counter* send_counter = nullptr;
  Counter* receive_counter = nullptr;
  PeerTable peers;
  std::vector<PolledPeer> polled;
  std::vector<Peer*> backlogged;   // have something that found their FIFO full
  std::vector<Peer*> expected;     // to carry out operations that we may withdraw
  std::vector<Peer*> assisted;     // we copy a part of an operation of theirs
  std::size_t streamed_sends = 0;  // announced ones that SendStreams count
  std::uint32_t offered = 0;       // peers that may copy a part of one of ours
  IntrusiveList<IncomingTransfer, &IncomingTransfer::moving> incoming;
  IntrusiveList<SendRequest, &SendRequest::moving> streaming;
  IntrusiveList<ServedRead, &ServedRead::moving> serving;
  std::uint32_t passes = 0;
  std::uint32_t until_upkeep = 1;  // passes
  std::uint32_t absence = 0;       // grows with passes that come late (proto/rendezvous.h)
  TimePoint left{};                // when the last pass ended, if `incoming` held something

  const EndpointSettings settings;
  Device& device;
  TagMatcher tagged;
  TagMatcher untagged;
  RequestPool<SendRequest> sends;
  RequestPool<RemoteRequest> remotes;
  RequestPool<ReceiveRequest> receives{SIZE_MAX};
  RequestPool<UnexpectedRequest> unexpected{SIZE_MAX};
  RequestPool<IncomingTransfer> transfers{SIZE_MAX};
  RequestPool<ServedRead> served{SIZE_MAX};
  std::vector<UnexpectedRequest*> claimed;
  MemoryProbe probe;
  MemoryRegistry* memory = nullptr;  // what peers may reach; nullptr: nothing
  // Operations of ours on peers' memory, and of theirs on ours.
  Counter* read_counter = nullptr;
  Counter* write_counter = nullptr;
  Counter* remote_read_counter = nullptr;
  Counter* remote_write_counter = nullptr;
  std::size_t min_multi_receive = 64;

  // Set-up.
  const BlockGeometry geometry;  // of the blocks granted to peers
  EndpointName name;
  std::uint64_t incarnation = 0;
  std::uint64_t proof[2] = {};  // read by peers from our memory: see DirectCopyOffer
  std::unique_ptr<LocalRegion> region;
  std::unique_ptr<PublishedRegions> published;  // the memory that peers may reach, in `region`
  std::unique_ptr<NotificationBoard> board;
  std::vector<Peer*> board_owners;  // by index of the board
  std::vector<std::uint32_t> free_notifications;
  std::vector<AbandonedBlock> abandoned;
  std::size_t areas_left;               // larger payload areas that may be offered still
  std::vector<Peer*> seeking;           // kSeeking and kAsked
  std::vector<std::uint32_t> contacts;  // entries of our contact table that rang and are still to be answered
  bool contact_rang = false;            // since they were last looked at
  std::size_t next_to_check = 0;        // rotates over the peers: liveness
  std::size_t next_to_sweep = 0;        // rotates over the peers: unpolled FIFOs
  TimePoint last_check{};
  TimePoint last_upkeep{};
  std::uint32_t upkeep_interval = 1;  // passes from that to the next

  // Sleeping (proto/alertness.h).
  std::optional<SleepAnnouncement> sleep;
  std::uint32_t sleepers = 0;   // waiting objects that count on our announcement
  std::uint32_t slept_at = 0;   // `passes` when it was made last
  bool drowsy = false;          // slept lately: peers ring instead of relying on being polled
  bool unfenced = false;        // some near peer was told to ring since the last barrier
  bool unsettled = false;       // some distant one was since sleep was last announced; then, from there on:
  bool settling = false;        // what it has published before it heard of that may not show yet,
  TimePoint settled{};          // but by then
  bool unwatched = false;       // some FIFO is not polled any more since the last barrier
  bool roused = false;          // our own wait object was used in this epoch
  std::vector<Peer*> starving;  // told to ring when they return credits
  TimePoint alarm{};            // when upkeep is due, however deep the sleep; past: whoever falls asleep next does it
  TimePoint kept_up{};          // when that was done last

  // Peers' deaths, while we sleep (dispatch/death_notices.h).
  bool unasked = false;          // a region was found whose owner's death nobody was asked to tell of yet
  bool deaths_told = true;       // notice will be given of every peer's death
  TimePoint next_look{};         // at those of whose deaths it is not; due if there are any
  Milliseconds look_interval{};  // to the one after that
  TimePoint last_look{};         // at all of them
};

}  // namespace anchor
