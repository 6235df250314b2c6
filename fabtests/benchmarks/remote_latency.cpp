// SPDX-License-Identifier: BSD-2-Clause
//
// Latency of the smallest one-sided operations.
//
// Writes: a ping-pong without messages. Each side writes 8 bytes into the other's memory, then looks at its own until
// the answer is there; half a round trip is reported. While it looks, it reads its completion queue, as every
// application has to whose provider makes progress in calls only (libfabric's shm does). The write's own completion is
// reaped on the way, before the next write.
//
// Reads and atomics: one at a time, from the call to its completion.
#include <string>

#include "solo.h"

namespace anchor::bench {
namespace {

constexpr std::size_t kSize = 8;
constexpr std::uint64_t kTrial = 20;
constexpr std::uint64_t kRemote = FI_MSG | FI_RMA;

class WritePingPong {
 public:
  WritePingPong(Connection& connection, Window& window) : endpoint_(connection.endpoint()), window_(window) {}

  // Awaiting every number is check enough.
  ConstBytes received() const { return {}; }
  void post_first() {}

  void lead(std::uint64_t round_trips, Stopwatch& stopwatch) {
    stopwatch.start();
    for (std::uint64_t i = 1; i <= round_trips; ++i) {
      window_.tell(++turn_);
      window_.await(turn_);
      if (i % lap_ == 0) stopwatch.mark();
    }
    endpoint_.wait_all();
  }
  void follow(std::uint64_t round_trips) {
    for (std::uint64_t i = 0; i < round_trips; ++i) {
      window_.await(++turn_);
      window_.tell(turn_);
    }
    endpoint_.wait_all();
  }

  void choose_lap(double nanoseconds) { lap_ = lap_for(nanoseconds); }
  std::uint64_t repetitions_in_a_lap() const { return lap_; }

 private:
  Endpoint& endpoint_;
  Window& window_;
  std::uint64_t turn_ = 0;
  std::uint64_t lap_ = 1;
};

template <MemoryKind kKind>
void measure_write(Scene& scene) {
  Connection connection(scene, kSize, {.capabilities = kRemote});
  Window window(scene, connection, kKind, kSize);
  WritePingPong game(connection, window);
  Percentiles half = measure_exchange(scene, connection, game, 0, kTrial);
  for (double* value : {&half.p50, &half.p90, &half.p99, &half.mean}) *value /= 2;
  if (scene.is_leader()) scene.report.percentiles("half_round_trip_ns", kSize, half);
}

template <MemoryKind kKind>
void measure_read(Scene& scene) {
  Connection connection(scene, kSize, {.capabilities = kRemote});
  Window window(scene, connection, kKind, kSize);
  fill(window.own(), kSize);
  const Bytes incoming = connection.incoming().first(kSize);
  Solo game(connection, window, scene.is_leader() ? ConstBytes(incoming) : ConstBytes(), [&] {
    window.read(incoming);
    connection.endpoint().wait_all();
  });
  const Percentiles time = measure_exchange(scene, connection, game, kSize, kTrial);
  if (scene.is_leader()) scene.report.percentiles("operation_ns", kSize, time);
}

// Counts the peer's word up; nobody else touches it, so that each swap must find what the one before has left.
template <MemoryKind kKind>
void measure_swap(Scene& scene) {
  Connection connection(scene, kSize, {.capabilities = kRemote | FI_ATOMIC});
  Window window(scene, connection, kKind, kSize);
  std::uint64_t count = 0;
  Solo game(connection, window, {}, [&] {
    const std::uint64_t next = count + 1;
    std::uint64_t found = ~std::uint64_t{0};
    window.compare_swap(count, next, found);
    connection.endpoint().wait_all();
    if (found != count) throw std::runtime_error("a compare-and-swap found " + std::to_string(found));
    count = next;
  });
  const Percentiles time = measure_exchange(scene, connection, game, 0, kTrial);
  if (scene.is_leader()) scene.report.percentiles("operation_ns", kSize, time);
}

}  // namespace

void measure_write_latency(Scene& scene) { measure_write<MemoryKind::kPlain>(scene); }
void measure_mapped_write_latency(Scene& scene) { measure_write<MemoryKind::kShareable>(scene); }
void measure_read_latency(Scene& scene) { measure_read<MemoryKind::kPlain>(scene); }
void measure_mapped_read_latency(Scene& scene) { measure_read<MemoryKind::kShareable>(scene); }
void measure_swap_latency(Scene& scene) { measure_swap<MemoryKind::kPlain>(scene); }
void measure_mapped_swap_latency(Scene& scene) { measure_swap<MemoryKind::kShareable>(scene); }

}  // namespace anchor::bench
