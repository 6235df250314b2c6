// SPDX-License-Identifier: BSD-2-Clause
//
// Half round trips of 8 bytes between processes that sleep until the answer comes, or poll for a moment before they do.
#include <sys/resource.h>

#include <cstdlib>

#include "exchange.h"
#include "ping_pong.h"

namespace anchor::bench {
namespace {

constexpr std::size_t kSize = 8;
constexpr std::uint64_t kTrial = 20;
// Microseconds that the peer takes for an answer, from at once to far beyond any sensible polling.
constexpr std::uint64_t kDelays[] = {0, 2, 5, 10, 20, 50, 100, 200};

// For the one provider that polls before it sleeps. Before it is loaded.
void sleep_at_once() { setenv("FI_ANCHOR_SPIN", "0", 1); }

void measure(Scene& scene, Waiting waiting) {
  Connection connection(scene, kSize, {}, waiting);
  const Percentiles half = measure_ping_pong<Traffic::kTagged>(scene, connection, kSize, Posting::kSendFirst);
  if (scene.is_leader()) scene.report.percentiles("half_round_trip_ns", kSize, half);
}

double processor_nanoseconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) {
    return 1e9 * static_cast<double>(time.tv_sec) + 1e3 * static_cast<double>(time.tv_usec);
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

// Requests and answers; the peer works for a while on each.
class DelayedAnswers {
 public:
  DelayedAnswers(Connection& connection, std::uint64_t microseconds)
      : connection_(connection),
        delay_(static_cast<std::uint64_t>(static_cast<double>(microseconds) * 1e3 / nanoseconds_per_tick())) {}

  ConstBytes received() const { return incoming(); }
  void post_first() { receive(); }

  void lead(std::uint64_t repetitions, Stopwatch& stopwatch) {
    const double before = processor_nanoseconds();
    stopwatch.start();
    for (std::uint64_t i = 0; i < repetitions; ++i) {
      send();
      receive();
      connection_.endpoint().wait_all();
      stopwatch.mark();
    }
    processor_ += processor_nanoseconds() - before;
    repetitions_ += repetitions;
  }
  void follow(std::uint64_t repetitions) {
    for (std::uint64_t i = 1; i <= repetitions; ++i) {
      connection_.endpoint().wait_all();
      for (const std::uint64_t end = ticks() + delay_; ticks() < end;) relax();
      send();
      if (i < repetitions) receive();
    }
    connection_.endpoint().wait_all();
  }

  void choose_lap(double) {}
  std::uint64_t repetitions_in_a_lap() const { return 1; }
  double processor_nanoseconds_each() const { return processor_ / static_cast<double>(repetitions_); }

 private:
  Bytes incoming() const { return connection_.incoming().first(kSize); }
  void send() {
    connection_.endpoint().send<Traffic::kTagged>(connection_.peer(), connection_.outgoing().first(kSize), kDataTag);
  }
  void receive() { connection_.endpoint().receive<Traffic::kTagged>(incoming(), kDataTag); }

  Connection& connection_;
  const std::uint64_t delay_;
  double processor_ = 0;
  std::uint64_t repetitions_ = 0;
};

}  // namespace

void measure_blocking_latency(Scene& scene) {
  sleep_at_once();
  measure(scene, Waiting::kBlocking);
}

void measure_descriptor_latency(Scene& scene) { measure(scene, Waiting::kDescriptor); }

// Beside polling the same queue: how near two cores are does not change between the two.
void measure_adaptive_latency(Scene& scene) {
  Connection connection(scene, kSize, {}, Waiting::kBlocking);
  const auto report_half = [&](const char* metric, Waiting waiting) {
    connection.endpoint().wait_by(waiting);
    const Percentiles half = measure_ping_pong<Traffic::kTagged>(scene, connection, kSize, Posting::kSendFirst);
    if (scene.is_leader()) scene.report.percentiles(metric, kSize, half);
  };
  report_half("polling_half_round_trip_ns", Waiting::kPolling);
  report_half("half_round_trip_ns", Waiting::kBlocking);
}

// What the time from request to answer, and the processor's part of it, are by how long the peer takes: to choose
// FI_ANCHOR_SPIN by.
void measure_delayed_answers(Scene& scene) {
  Connection connection(scene, kSize, {}, Waiting::kBlocking);
  for (const std::uint64_t delay : kDelays) {
    DelayedAnswers game(connection, delay);
    const Percentiles whole = measure_exchange(scene, connection, game, kSize, kTrial);
    if (!scene.is_leader()) continue;
    scene.report.percentiles("answer_ns", delay, whole);
    scene.report.value("processor_ns", delay, game.processor_nanoseconds_each());
  }
}

}  // namespace anchor::bench
