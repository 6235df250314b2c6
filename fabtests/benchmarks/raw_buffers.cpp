// SPDX-License-Identifier: BSD-2-Clause
//
// What bytes take that go through shared memory by ordinary copies: one process copies them in, the other, when a word
// says so, out, and back. Between neighbours no message that is copied twice is faster, whatever the library.
#include <atomic>
#include <cstring>

#include "connection.h"
#include "raw_limits.h"

namespace anchor::bench {
namespace {

constexpr std::size_t kSmallest = 64;
constexpr std::size_t kLargest = 64 << 10;

// What one of the two writes and the other reads.
struct Direction {
  alignas(128) std::atomic<std::uint64_t> turn{0};
  alignas(128) std::byte bytes[kLargest];
};
constexpr std::uint64_t kOver = ~std::uint64_t{0};

class BufferExchange {
 public:
  BufferExchange(Direction& out, Direction& in, std::size_t size)
      : out_(out), in_(in), size_(size), source_(size), destination_(size) {}

  void send(std::uint64_t turn) {
    std::memcpy(out_.bytes, source_.first(size_).data(), size_);
    out_.turn.store(turn, std::memory_order_release);
  }
  // False: the other end is through.
  bool receive(std::uint64_t turn) {
    std::uint64_t seen;
    while ((seen = in_.turn.load(std::memory_order_acquire)) != turn) {
      if (seen == kOver) return false;
      relax();
    }
    std::memcpy(destination_.first(size_).data(), in_.bytes, size_);
    return true;
  }
  void end() { out_.turn.store(kOver, std::memory_order_release); }

 private:
  Direction& out_;
  Direction& in_;
  const std::size_t size_;
  const MessageBuffer source_, destination_;
};

}  // namespace

void measure_buffer_exchange(Scene& scene) {
  for (const std::size_t size : sizes_between(scene.options, kSmallest, kLargest)) {
    const SharedMapping mapping(scene, 2 * sizeof(Direction));
    auto* directions = static_cast<Direction*>(mapping.data());
    BufferExchange exchange(directions[scene.is_leader() ? 0 : 1], directions[scene.is_leader() ? 1 : 0], size);
    scene.link.meet([] {});
    std::uint64_t turn = 0;
    if (!scene.is_leader()) {
      while (exchange.receive(++turn)) exchange.send(turn);
      continue;
    }
    const Percentiles round_trip = repeat(scene.options, [&] {
      exchange.send(++turn);
      exchange.receive(turn);
    });
    exchange.end();
    scene.report.percentiles("half_round_trip_ns", size, half_of(round_trip));
  }
}

}  // namespace anchor::bench
