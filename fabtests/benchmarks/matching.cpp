// SPDX-License-Identifier: BSD-2-Clause
//
// The cost of matching: an 8-byte tagged ping-pong with N receives, or N unexpected messages, ahead in both
// processes that match nothing of it. N is 1, then what the options say.
#include "ping_pong.h"

namespace anchor::bench {
namespace {

constexpr std::size_t kSize = 8;
constexpr std::size_t kBatch = 64;
constexpr std::uint64_t kAheadTag = 0x2000'0000;

void report_ping_pong(Scene& scene, Connection& connection, std::size_t ahead) {
  const Percentiles half = measure_ping_pong<Traffic::kTagged>(scene, connection, kSize, Posting::kReceiveFirst);
  if (scene.is_leader()) scene.report.percentiles("half_round_trip_ns", ahead, half);
}

void park_receives(Connection& connection, std::size_t first, std::size_t last) {
  for (std::size_t i = first; i < last; ++i)
    connection.endpoint().park_receive(connection.incoming().first(kSize), kAheadTag + i);
}

// In batches, with both sides reading in between, so that no provider runs out of room on the way.
void send_unexpected(Connection& connection, std::size_t first, std::size_t last) {
  for (std::size_t i = first; i < last; ++i) {
    connection.endpoint().send<Traffic::kTagged>(connection.peer(), connection.outgoing().first(kSize), kAheadTag + i);
    if (i % kBatch == kBatch - 1) connection.meet();
  }
  connection.endpoint().wait_all();
  connection.meet();
}

}  // namespace

void measure_posted_matching(Scene& scene) {
  const std::size_t ahead = scene.options.ahead;
  Connection connection(scene, kSize, {.receive_depth = ahead + kBatch});
  park_receives(connection, 0, 1);
  report_ping_pong(scene, connection, 1);
  park_receives(connection, 1, ahead);
  report_ping_pong(scene, connection, ahead);
}

void measure_unexpected_matching(Scene& scene) {
  const std::size_t ahead = scene.options.ahead;
  Connection connection(scene, kSize);
  send_unexpected(connection, 0, 1);
  report_ping_pong(scene, connection, 1);
  send_unexpected(connection, 1, ahead);
  report_ping_pong(scene, connection, ahead);
}

}  // namespace anchor::bench
