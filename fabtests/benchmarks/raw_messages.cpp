// SPDX-License-Identifier: BSD-2-Clause
//
// What messages of 8 bytes take with no provider behind the interface: the calls that tagged_latency makes, through a
// table of functions as in libfabric, over a ring of lines each way. An inject copies a line, a receive is noted in an
// array, a read takes what has come for the receive posted first, queues its completion and hands it out. There is one
// peer; nothing is matched out of order, addressed, counted, locked, woken or checked. What a provider takes beyond
// this is its own.
#include <rdma/fi_eq.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <stdexcept>

#include "raw_limits.h"

namespace anchor::bench {
namespace {

constexpr std::size_t kBytes = 8;
constexpr std::uint64_t kTag = 5;
constexpr std::uint64_t kSlots = 64;
constexpr std::uint64_t kQueue = 64;  // receives, and completions; more than are ever outstanding
constexpr std::uint64_t kRoundTrips = 40000;
constexpr std::uint64_t kLap = 8;  // round trips between two time stamps

// `number`: of the message, from 1; written last.
struct alignas(64) Line {
  std::atomic<std::uint64_t> number{0};
  std::uint64_t tag;
  std::byte bytes[kBytes];
};

// What one of the two writes, but for `taken`: messages that the other has.
struct Ring {
  Line lines[kSlots];
  alignas(128) std::atomic<std::uint64_t> taken{0};
};

struct Posted {
  void* buffer;
  std::uint64_t tag;
  std::uint64_t ignore;
  void* context;
};

struct BareEndpoint;
struct Operations {
  bool (*inject)(BareEndpoint& self, const void* bytes, std::uint64_t tag);
  void (*receive)(BareEndpoint& self, void* buffer, std::uint64_t tag, std::uint64_t ignore, void* context);
  std::size_t (*read)(BareEndpoint& self, fi_cq_tagged_entry* entries, std::size_t count);
};

struct BareEndpoint {
  const Operations* operations;
  Ring& out;
  Ring& in;
  std::uint64_t sent = 0;
  std::uint64_t room_until = kSlots;  // `sent` may become that without a look at out.taken
  std::uint64_t received = 0;
  std::uint64_t posted_until = 0;
  std::uint64_t completed = 0;
  std::uint64_t read_until = 0;
  Posted posted[kQueue] = {};
  fi_cq_tagged_entry queue[kQueue] = {};
};

// False: no room.
bool inject(BareEndpoint& self, const void* bytes, std::uint64_t tag) {
  if (self.sent == self.room_until) {
    self.room_until = self.out.taken.load(std::memory_order_acquire) + kSlots;
    if (self.sent == self.room_until) return false;
  }
  Line& line = self.out.lines[self.sent % kSlots];
  std::memcpy(line.bytes, bytes, kBytes);
  line.tag = tag;
  line.number.store(++self.sent, std::memory_order_release);
  return true;
}

void receive(BareEndpoint& self, void* buffer, std::uint64_t tag, std::uint64_t ignore, void* context) {
  self.posted[self.posted_until++ % kQueue] = {buffer, tag, ignore, context};
}

// Whether the next message has come, and its receive been posted.
bool take_message(BareEndpoint& self) {
  const Line& line = self.in.lines[self.received % kSlots];
  if (line.number.load(std::memory_order_acquire) != self.received + 1) return false;
  const Posted& posted = self.posted[self.received % kQueue];
  if (self.received == self.posted_until || ((posted.tag ^ line.tag) & ~posted.ignore) != 0) return false;
  std::memcpy(posted.buffer, line.bytes, kBytes);
  self.queue[self.completed++ % kQueue] = {posted.context, FI_RECV, kBytes, nullptr, 0, line.tag};
  if (++self.received % (kSlots / 4) == 0) self.in.taken.store(self.received, std::memory_order_release);
  return true;
}

std::size_t read(BareEndpoint& self, fi_cq_tagged_entry* entries, std::size_t count) {
  while (take_message(self)) continue;
  std::size_t given = 0;
  while (given < count && self.read_until != self.completed) entries[given++] = self.queue[self.read_until++ % kQueue];
  return given;
}

// The compiler is not to know whose functions they are, as it would not in a library.
const Operations* operations() {
  static constexpr Operations kTable{inject, receive, read};
  const Operations* table = &kTable;
  asm volatile("" : "+r"(table));
  return table;
}

class Exchanger {
 public:
  Exchanger(Ring& out, Ring& in) : endpoint_{.operations = operations(), .out = out, .in = in} {}

  void send(std::uint64_t value) {
    while (!endpoint_.operations->inject(endpoint_, &value, kTag)) relax();
  }
  void receive() { endpoint_.operations->receive(endpoint_, &incoming_, kTag, 0, &incoming_); }
  // What the message sent that the receive is for.
  std::uint64_t wait() {
    while (endpoint_.operations->read(endpoint_, entries_, std::size(entries_)) == 0) {
    }
    return incoming_;
  }

 private:
  BareEndpoint endpoint_;
  std::uint64_t incoming_ = 0;
  fi_cq_tagged_entry entries_[64];
};

Percentiles lead(Exchanger& exchanger) {
  Stopwatch stopwatch(kRoundTrips / kLap);
  stopwatch.start();
  for (std::uint64_t i = 1; i <= kRoundTrips; ++i) {
    exchanger.send(i);
    exchanger.receive();
    if (exchanger.wait() != ~i) throw std::runtime_error("another message came than was sent");
    if (i % kLap == 0) stopwatch.mark();
  }
  return stopwatch.nanoseconds(2 * kLap);
}

void follow(Exchanger& exchanger) {
  exchanger.receive();
  for (std::uint64_t i = 1; i <= kRoundTrips; ++i) {
    exchanger.send(~exchanger.wait());
    exchanger.receive();
  }
}

}  // namespace

void measure_bare_messages(Scene& scene) {
  const SharedMapping mapping(scene, 2 * sizeof(Ring));
  auto* rings = static_cast<Ring*>(mapping.data());
  Exchanger exchanger(rings[scene.is_leader() ? 0 : 1], rings[scene.is_leader() ? 1 : 0]);
  scene.link.meet([] {});
  if (scene.is_leader())
    scene.report.percentiles("half_round_trip_ns", kBytes, lead(exchanger));
  else
    follow(exchanger);
}

}  // namespace anchor::bench
