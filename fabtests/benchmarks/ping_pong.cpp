// SPDX-License-Identifier: BSD-2-Clause
#include "ping_pong.h"

#include <algorithm>

namespace anchor::bench {
namespace {

constexpr std::uint64_t kFewestLaps = 20;
constexpr std::uint64_t kMostLaps = 100000;
// Round trips between two stamps: one, or for the quickest several, as some processors' counters advance in
// steps of 10 ns and reading them takes about as long.
constexpr std::uint64_t kQuickLap = 8;
constexpr double kQuickNanoseconds = 2000;

template <Traffic kTraffic>
class PingPong {
 public:
  PingPong(Connection& connection, std::size_t size)
      : endpoint_(connection.endpoint()),
        peer_(connection.peer()),
        outgoing_(connection.outgoing().first(size)),
        incoming_(connection.incoming().first(size)) {}

  void lead(std::uint64_t round_trips, std::uint64_t lap, Posting posting, Stopwatch& stopwatch) {
    stopwatch.start();
    for (std::uint64_t i = 1; i <= round_trips; ++i) {
      if (posting == Posting::kReceiveFirst) receive();
      send();
      if (posting == Posting::kSendFirst) receive();
      endpoint_.wait_all();
      if (i % lap == 0) stopwatch.mark();
    }
  }

  // The first receive is posted by the caller, before the leader may start.
  void follow(std::uint64_t round_trips, Posting posting) {
    for (std::uint64_t i = 1; i <= round_trips; ++i) {
      const bool again = i < round_trips;
      endpoint_.wait_all();
      if (again && posting == Posting::kReceiveFirst) receive();
      send();
      if (again && posting == Posting::kSendFirst) receive();
    }
    endpoint_.wait_all();
  }

  void send() { endpoint_.send<kTraffic>(peer_, outgoing_, kDataTag); }
  void receive() { endpoint_.receive<kTraffic>(incoming_, kDataTag); }

 private:
  Endpoint& endpoint_;
  fi_addr_t peer_;
  Bytes outgoing_;
  Bytes incoming_;
};

struct Plan {
  std::uint64_t laps;
  std::uint64_t lap;  // round trips
};

// The leader's half round trips in nanoseconds; zeros for the peer.
template <Traffic kTraffic>
Percentiles run(Scene& scene, Connection& connection, PingPong<kTraffic>& game, Plan plan, Posting posting) {
  const std::uint64_t round_trips = connection.agree(plan.laps * plan.lap);
  Stopwatch stopwatch(scene.is_leader() ? plan.laps : 0);
  if (!scene.is_leader()) game.receive();
  connection.meet();
  if (scene.is_leader())
    game.lead(round_trips, plan.lap, posting, stopwatch);
  else
    game.follow(round_trips, posting);
  connection.meet();
  return scene.is_leader() ? stopwatch.nanoseconds(2.0 * static_cast<double>(plan.lap)) : Percentiles{};
}

Plan plan_for(const Options& options, const Percentiles& half_round_trip) {
  const double round_trips = options.milliseconds * 1e6 / (2 * half_round_trip.p50 + 1);
  const std::uint64_t lap = 2 * half_round_trip.p50 < kQuickNanoseconds ? kQuickLap : 1;
  const auto laps = static_cast<std::uint64_t>(round_trips / static_cast<double>(lap));
  return {.laps = std::clamp(laps, kFewestLaps, kMostLaps), .lap = lap};
}

}  // namespace

template <Traffic kTraffic>
Percentiles measure_ping_pong(Scene& scene, Connection& connection, std::size_t size, Posting posting) {
  PingPong<kTraffic> game(connection, size);
  connection.outgoing().fill(size, size);
  const Percentiles trial = run(scene, connection, game, {.laps = kFewestLaps, .lap = 1}, posting);
  if (!connection.incoming().holds(size, size)) throw std::runtime_error("a message arrived with other content");
  return run(scene, connection, game, plan_for(scene.options, trial), posting);
}

template Percentiles measure_ping_pong<Traffic::kTagged>(Scene&, Connection&, std::size_t, Posting);
template Percentiles measure_ping_pong<Traffic::kUntagged>(Scene&, Connection&, std::size_t, Posting);

}  // namespace anchor::bench
