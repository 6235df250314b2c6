// SPDX-License-Identifier: BSD-2-Clause
//
// Streams of one-sided operations: windows of them, posted at once and then waited for. As in the streams of messages
// the operations of a window share one place in the target's memory and one buffer in the initiator's.
#include <algorithm>
#include <array>

#include "solo.h"

namespace anchor::bench {
namespace {

constexpr std::size_t kDepth = 64;
constexpr std::size_t kSmallestDepth = 2;
constexpr std::size_t kBytes = 16 << 20;
constexpr std::size_t kWord = 8;
constexpr std::size_t kSmallest = 4096;
constexpr std::size_t kLargest = 8 << 20;
constexpr std::uint64_t kTrial = 3;
constexpr std::uint64_t kRemote = FI_MSG | FI_RMA;

std::size_t depth_for(std::size_t size) { return std::clamp(kBytes / size, kSmallestDepth, kDepth); }

// Nanoseconds of a window of writes; meaningful in the leader only, like all of these.
Percentiles stream_writes(Scene& scene, Connection& connection, Window& window, std::size_t size) {
  const ConstBytes outgoing = connection.outgoing().first(size);
  const Bytes target = window.own().first(size);
  Solo game(connection, window, scene.is_leader() ? ConstBytes() : ConstBytes(target), [&, depth = depth_for(size)] {
    for (std::size_t i = 0; i < depth; ++i) window.write(outgoing);
    connection.endpoint().wait_all();
  });
  return measure_exchange(scene, connection, game, size, kTrial);
}

Percentiles stream_reads(Scene& scene, Connection& connection, Window& window, std::size_t size) {
  fill(window.own().first(size), size);
  const Bytes incoming = connection.incoming().first(size);
  Solo game(connection, window, scene.is_leader() ? ConstBytes(incoming) : ConstBytes(), [&, depth = depth_for(size)] {
    for (std::size_t i = 0; i < depth; ++i) window.read(incoming);
    connection.endpoint().wait_all();
  });
  return measure_exchange(scene, connection, game, size, kTrial);
}

// In whatever order they are carried out, a window's results are consecutive numbers.
Percentiles stream_additions(Scene& scene, Connection& connection, Window& window) {
  const std::uint64_t one = 1;
  std::uint64_t count = 0;
  std::array<std::uint64_t, kDepth> results{};
  Solo game(connection, window, {}, [&] {
    std::uint64_t wanted = 0, found = 0;
    for (std::uint64_t& result : results) {
      window.fetch_add(one, result);
      wanted += count++;
    }
    connection.endpoint().wait_all();
    for (const std::uint64_t result : results) found += result;
    if (found != wanted) throw std::runtime_error("additions were lost or came twice");
  });
  return measure_exchange(scene, connection, game, 0, kTrial);
}

template <MemoryKind kKind>
void measure_writes(Scene& scene) {
  Connection connection(scene, kWord, {.capabilities = kRemote});
  Window window(scene, connection, kKind, kWord);
  const Percentiles time = stream_writes(scene, connection, window, kWord);
  if (scene.is_leader()) scene.report.percentiles("operations_per_s", kWord, per_second(time, kDepth));
}

template <MemoryKind kKind>
void measure_additions(Scene& scene) {
  Connection connection(scene, kWord, {.capabilities = kRemote | FI_ATOMIC});
  Window window(scene, connection, kKind, kWord);
  const Percentiles time = stream_additions(scene, connection, window);
  if (scene.is_leader()) scene.report.percentiles("operations_per_s", kWord, per_second(time, kDepth));
}

using StreamOfSize = Percentiles (*)(Scene&, Connection&, Window&, std::size_t);

void measure_sizes(Scene& scene, MemoryKind kind, StreamOfSize stream) {
  const std::vector<std::size_t> sizes = sizes_between(scene.options, kSmallest, kLargest);
  if (sizes.empty()) return;
  Connection connection(scene, sizes.back(), {.capabilities = kRemote});
  Window window(scene, connection, kind, sizes.back());
  for (const std::size_t size : sizes) {
    const Percentiles time = stream(scene, connection, window, size);
    const double bytes = static_cast<double>(size * depth_for(size));
    if (scene.is_leader()) scene.report.percentiles("bytes_per_s", size, per_second(time, bytes));
  }
}

}  // namespace

void measure_write_rate(Scene& scene) { measure_writes<MemoryKind::kPlain>(scene); }
void measure_mapped_write_rate(Scene& scene) { measure_writes<MemoryKind::kShareable>(scene); }
void measure_fetch_add_rate(Scene& scene) { measure_additions<MemoryKind::kPlain>(scene); }
void measure_mapped_fetch_add_rate(Scene& scene) { measure_additions<MemoryKind::kShareable>(scene); }
void measure_write_bandwidth(Scene& scene) { measure_sizes(scene, MemoryKind::kPlain, stream_writes); }
void measure_mapped_write_bandwidth(Scene& scene) { measure_sizes(scene, MemoryKind::kShareable, stream_writes); }
void measure_read_bandwidth(Scene& scene) { measure_sizes(scene, MemoryKind::kPlain, stream_reads); }
void measure_mapped_read_bandwidth(Scene& scene) { measure_sizes(scene, MemoryKind::kShareable, stream_reads); }

}  // namespace anchor::bench
