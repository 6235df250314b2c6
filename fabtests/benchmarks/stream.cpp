// SPDX-License-Identifier: BSD-2-Clause
//
// Message rate and bandwidth: windows of tagged messages one way, each window answered by one small message
// after its receives have been posted anew. As usual in such programs (OSU's, for one) the messages of a
// window share one buffer on either side.
#include <algorithm>

#include "connection.h"

namespace anchor::bench {
namespace {

constexpr std::size_t kWindow = 64;
constexpr std::size_t kSmallestWindow = 8;
constexpr std::size_t kWindowBytes = 64 << 20;
constexpr std::size_t kRateSize = 8;
constexpr std::size_t kSmallest = 64;
constexpr std::size_t kLargest = 8 << 20;
constexpr std::uint64_t kTrialWindows = 3;
constexpr std::uint64_t kMostWindows = 20000;

std::size_t window_for(std::size_t size) { return std::clamp(kWindowBytes / size, kSmallestWindow, kWindow); }

class Stream {
 public:
  Stream(Connection& connection, std::size_t size, std::size_t window)
      : endpoint_(connection.endpoint()),
        peer_(connection.peer()),
        outgoing_(connection.outgoing().first(size)),
        incoming_(connection.incoming().first(size)),
        window_(window) {}

  void post_window() {
    for (std::size_t i = 0; i < window_; ++i) endpoint_.receive<Traffic::kTagged>(incoming_, kDataTag);
  }

  void lead(std::uint64_t windows, Stopwatch& stopwatch) {
    stopwatch.start();
    for (std::uint64_t i = 0; i < windows; ++i) {
      endpoint_.receive<Traffic::kTagged>(incoming_.first(1), kAcknowledgeTag);
      for (std::size_t k = 0; k < window_; ++k) endpoint_.send<Traffic::kTagged>(peer_, outgoing_, kDataTag);
      endpoint_.wait_all();
      stopwatch.mark();
    }
  }

  // The first window is posted by the caller, before the leader may start.
  void follow(std::uint64_t windows) {
    for (std::uint64_t i = 1; i <= windows; ++i) {
      endpoint_.wait_all();
      if (i < windows) post_window();
      endpoint_.send<Traffic::kTagged>(peer_, outgoing_.first(1), kAcknowledgeTag);
    }
    endpoint_.wait_all();
  }

 private:
  Endpoint& endpoint_;
  fi_addr_t peer_;
  Bytes outgoing_;
  Bytes incoming_;
  std::size_t window_;
};

void run(Scene& scene, Connection& connection, Stream& stream, std::uint64_t windows, Stopwatch& stopwatch) {
  if (!scene.is_leader()) stream.post_window();
  connection.meet();
  if (scene.is_leader())
    stream.lead(windows, stopwatch);
  else
    stream.follow(windows);
  connection.meet();
}

std::uint64_t windows_for(const Options& options, const Percentiles& window_time) {
  const double wanted = options.milliseconds * 1e6 / (window_time.p50 + 1);
  return std::clamp(static_cast<std::uint64_t>(wanted), kTrialWindows, kMostWindows);
}

// Nanoseconds of one window; meaningful in the leader only.
Percentiles measure_stream(Scene& scene, Connection& connection, std::size_t size) {
  Stream stream(connection, size, window_for(size));
  Stopwatch trial(kTrialWindows);
  connection.outgoing().fill(size, size);
  run(scene, connection, stream, kTrialWindows, trial);
  if (!scene.is_leader() && !connection.incoming().holds(size, size))
    throw std::runtime_error("a message arrived with other content");

  const std::uint64_t windows =
      connection.agree(scene.is_leader() ? windows_for(scene.options, trial.nanoseconds()) : 0);
  Stopwatch stopwatch(windows);
  run(scene, connection, stream, windows, stopwatch);
  return scene.is_leader() ? stopwatch.nanoseconds() : Percentiles{};
}

}  // namespace

void measure_message_rate(Scene& scene) {
  Connection connection(scene, kRateSize);
  const Percentiles window_time = measure_stream(scene, connection, kRateSize);
  if (scene.is_leader()) scene.report.percentiles("messages_per_s", kRateSize, per_second(window_time, kWindow));
}

void measure_bandwidth(Scene& scene) {
  const std::vector<std::size_t> sizes = sizes_between(scene.options, kSmallest, kLargest);
  if (sizes.empty()) return;
  Connection connection(scene, sizes.back());
  for (const std::size_t size : sizes) {
    const Percentiles window_time = measure_stream(scene, connection, size);
    const double bytes = static_cast<double>(size * window_for(size));
    if (scene.is_leader()) scene.report.percentiles("bytes_per_s", size, per_second(window_time, bytes));
  }
}

}  // namespace anchor::bench
