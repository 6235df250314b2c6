// SPDX-License-Identifier: BSD-2-Clause
// Endpoints without the layers above: an Exchange with a region, an address vector and a queue, driven pass by pass.
// Several of them in one process talk over a real shm device in a directory of its own.
#pragma once

#include <criterion/criterion.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "../os/scratch_directory.h"
#include "core/completion_flags.h"
#include "dispatch/opening.h"
#include "dispatch/progress.h"
#include "dma/shm_device.h"
#include "os/status.h"
#include "proto/arrival.h"
#include "proto/connect.h"
#include "proto/exchange.h"
#include "proto/outbox.h"
#include "proto/remote.h"
#include "proto/rma.h"
#include "proto/send.h"

namespace anchor::unit {

inline EndpointName named(const std::string& name) { return EndpointName::from("anchor://" + name); }

struct Place {
  Place() : Place(ShmSettings{}) {}
  explicit Place(ShmSettings settings) : device((settings.directory = scratch.path(), settings)) {}

  ScratchDirectory scratch;
  ShmDevice device;
};

inline EndpointSettings quick() {
  EndpointSettings settings;
  settings.locked = false;
  settings.liveness_interval = Milliseconds{1};
  settings.absence = std::chrono::hours{1};  // however slow the machine: the nodes of a test take turns
  return settings;
}

inline EndpointSettings without_direct_copy() {
  EndpointSettings settings = quick();
  settings.direct_copy = false;
  return settings;
}

// What a queue handed out: an entry, or an error with `error` set.
struct Event {
  Completion completion{};
  std::size_t overflow_length = 0;
  int error = 0;
  EndpointName source_name{};
};

class Node {
 public:
  Node(Device& device, const std::string& name, const EndpointSettings& settings = quick(), std::size_t entries = 4096)
      : queue(entries, false), exchange(device, settings) {
    exchange.peers.bind(&addresses);
    exchange.send_queue = exchange.receive_queue = &queue;
    exchange.name = named(name);
    exchange.memory = &memory;
    cr_assert_eq(open_exchange(exchange), 0);
  }
  ~Node() {
    if (exchange.published) memory.detach(exchange.published.get());
  }

  std::uint64_t insert(const std::string& name) {
    const std::uint64_t address = addresses.insert(named(name));
    exchange.peers.catch_up();
    return address;
  }
  Peer& peer(const std::string& name) { return exchange.peers.with_name(named(name)); }

  int send(std::uint64_t to, const void* bytes, std::size_t length, std::uint64_t tag = 0,
           std::uint32_t flags = kWantCompletion) {
    const iovec segment{const_cast<void*>(bytes), length};
    return send(to, &segment, 1, tag, flags);
  }
  int send(std::uint64_t to, const iovec* segments, std::uint32_t count, std::uint64_t tag,
           std::uint32_t flags = kWantCompletion) {
    const WorkRequest work = request(WorkType::kTaggedSend, flags, segments, count, to, tag, 0);
    Peer* peer = exchange.peers.at_address(to);
    cr_assert_not_null(peer);
    const int error = peer->ready() ? start_send(exchange, *peer, work, nullptr) : -EAGAIN;
    return error == -EAGAIN ? queue_send(exchange, *peer, work) : error;
  }
  int receive(void* bytes, std::size_t length, std::uint64_t tag = 0, std::uint64_t ignore = 0,
              std::uint64_t from = kAnyAddress, std::uint32_t flags = kWantCompletion) {
    const iovec segment{bytes, length};
    return post_receive(exchange, request(WorkType::kTaggedReceive, flags, &segment, 1, from, tag, ignore));
  }
  // Contexts are the first buffer, so that events can be told apart.
  WorkRequest request(WorkType type, std::uint32_t flags, const iovec* segments, std::uint32_t count,
                      std::uint64_t address, std::uint64_t tag, std::uint64_t ignore) const {
    std::size_t length = 0;
    for (std::uint32_t i = 0; i < count; ++i) length += segments[i].iov_len;
    return {type, flags, count, segments, length, address, tag, ignore, 0, count != 0 ? segments[0].iov_base : nullptr};
  }

  void progress() { anchor::progress(exchange); }
  void passes(unsigned count) {
    while (count-- > 0) progress();
  }

  // The next event; false: none.
  bool next(Event* event) {
    *event = {};
    const auto count =
        queue.read(1, [&](const Completion& completion, std::size_t) { event->completion = completion; });
    if (count == 1) return true;
    CompletionError error;
    if (count != -kErrorAvailable || queue.read_error(&error) != 0) return false;
    *event = {error.completion, error.overflow_length, error.error, error.source_name};
    return true;
  }

  // As when the process is killed: the name and the lock go, nothing is said.
  void crash() {
    memory.detach(exchange.published.get());
    exchange.published.reset();
    exchange.region.reset();
  }
  // As when its endpoint is closed in order.
  void withdraw() { withdraw_anchor_record(exchange.region->header(), exchange.device.memory()); }
  void say_goodbye(Peer& to) { cr_assert_eq(to.channel->send({.operation = Operation::kGoodbye}), 0); }

  // Lets peers into memory of ours.
  void expose(MemoryRegion& region, std::uint64_t key, void* bytes, std::size_t length,
              std::uint32_t rights = kRemoteRead | kRemoteWrite) {
    region = MemoryRegion{};
    region.key = key;
    region.rights = rights;
    region.segment_count = 1;
    region.segments[0] = {bytes, length};
    cr_assert_eq(memory.reserve(&region), 0);
    cr_assert_eq(memory.enable(&region), 0);
  }
  int access(WorkType type, std::uint64_t to, const RemoteTarget& target, void* bytes,
             std::uint32_t flags = kWantCompletion) {
    const iovec segment{bytes, target.length};
    return access(type, to, &segment, 1, &target, 1, flags);
  }
  int access(WorkType type, std::uint64_t to, const iovec* segments, std::uint32_t count, const RemoteTarget* targets,
             std::uint32_t target_count, std::uint32_t flags = kWantCompletion) {
    Peer* peer = exchange.peers.at_address(to);
    cr_assert_not_null(peer);
    return begin_remote(exchange, *peer, {request(type, flags, segments, count, to, 0, 0), target_count, targets});
  }

  MemoryRegistry memory;
  AddressVector addresses{AddressVector::Kind::kMap, 16};
  CompletionQueue queue;
  Exchange exchange;
};

// Makes passes until `condition()` holds; a minute without it is a failure.
template <class Condition, class... Nodes>
bool until(Condition&& condition, Nodes&... nodes) {
  const TimePoint deadline = Clock::now() + Milliseconds{60'000};
  while (!condition()) {
    if (Clock::now() > deadline) return false;
    (nodes.progress(), ...);
  }
  return true;
}

// The next event of `node` while all `others` go on, too.
template <class... Nodes>
Event await(Node& node, Nodes&... others) {
  Event event;
  cr_assert(until([&] { return node.next(&event); }, node, others...), "nothing happens");
  return event;
}

// Two nodes that know each other, connected.
struct Couple {
  explicit Couple(const EndpointSettings& settings = quick(), std::size_t entries = 4096)
      : a(place.device, "a", settings, entries), b(place.device, "b", settings, entries) {
    to_b = a.insert("b");
    to_a = b.insert("a");
    connect();
  }
  void connect() {
    if (at_a().state == PeerState::kIdle) seek_peer(a.exchange, at_a());
    cr_assert(
        until([&] { return at_a().state == PeerState::kConnected && at_b().state == PeerState::kConnected; }, a, b));
  }
  Peer& at_a() { return a.peer("b"); }  // what a knows of b
  Peer& at_b() { return b.peer("a"); }
  // Of the block that one of them granted, as a third party sees it: of a's with at_a(), of b's with at_b().
  BlockHead& head(Node& owner, Peer& peer) { return block_head(owner.exchange.region->header() + peer.granted.offset); }

  Place place;
  Node a, b;
  std::uint64_t to_b = 0, to_a = 0;
};

// A message as it would come out of the FIFO.
template <class Body>
IncomingMessage forged(Operation operation, const Body& body, std::uint8_t flags = 0, std::uint32_t length = 0,
                       const void* payload = nullptr) {
  IncomingMessage message{};
  message.operation = operation;
  message.flags = flags;
  message.length = length;
  message.payload = static_cast<const std::byte*>(payload);
  std::memcpy(message.body, &body, sizeof body);
  return message;
}

// As if it had found out which way is the faster for messages of that length.
inline void prefer(Peer& peer, bool directly, std::uint64_t bytes) {
  for (const bool way : {directly, !directly}) peer.choice.took(way, bytes, Milliseconds{way == directly ? 1 : 9});
  while (peer.choice.goes_directly(bytes) != directly) peer.choice.take_turn(bytes);  // the trials
}

// Where it is, unlike an assignment of bytes_of().
inline void fill(std::vector<unsigned char>& bytes, unsigned seed) {
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<unsigned char>((i + seed) % 251);
}

inline std::vector<unsigned char> bytes_of(std::size_t length, unsigned seed = 1) {
  std::vector<unsigned char> bytes(length);
  fill(bytes, seed);
  return bytes;
}

}  // namespace anchor::unit
