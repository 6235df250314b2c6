// SPDX-License-Identifier: BSD-2-Clause
//
// Message rate and bandwidth: windows of tagged messages one way, each window answered by one small message
// after its receives have been posted anew. As usual in such programs (OSU's, for one) the messages of a
// window share one buffer on either side.
#include <algorithm>

#include "exchange.h"

namespace anchor::bench {
namespace {

constexpr std::size_t kWindow = 64;
constexpr std::size_t kSmallestWindow = 8;
constexpr std::size_t kWindowBytes = 64 << 20;
constexpr std::size_t kRateSize = 8;
constexpr std::size_t kSmallest = 64;
constexpr std::size_t kLargest = 8 << 20;
constexpr std::uint64_t kTrialWindows = 3;

std::size_t window_for(std::size_t size) { return std::clamp(kWindowBytes / size, kSmallestWindow, kWindow); }

class Stream {
 public:
  Stream(Connection& connection, std::size_t size, std::size_t window, bool receives)
      : endpoint_(connection.endpoint()),
        peer_(connection.peer()),
        outgoing_(connection.outgoing().first(size)),
        incoming_(connection.incoming().first(size)),
        window_(window),
        receives_(receives) {}

  ConstBytes received() const { return receives_ ? ConstBytes(incoming_) : ConstBytes(); }

  void post_first() { post_window(); }

  void lead(std::uint64_t windows, Stopwatch& stopwatch) {
    stopwatch.start();
    for (std::uint64_t i = 0; i < windows; ++i) {
      endpoint_.receive<Traffic::kTagged>(incoming_.first(1), kAcknowledgeTag);
      for (std::size_t k = 0; k < window_; ++k) endpoint_.send<Traffic::kTagged>(peer_, outgoing_, kDataTag);
      endpoint_.wait_all();
      stopwatch.mark();
    }
  }

  void follow(std::uint64_t windows) {
    for (std::uint64_t i = 1; i <= windows; ++i) {
      endpoint_.wait_all();
      if (i < windows) post_window();
      endpoint_.send<Traffic::kTagged>(peer_, outgoing_.first(1), kAcknowledgeTag);
    }
    endpoint_.wait_all();
  }

  void choose_lap(double) {}
  std::uint64_t repetitions_in_a_lap() const { return 1; }

 private:
  void post_window() {
    for (std::size_t i = 0; i < window_; ++i) endpoint_.receive<Traffic::kTagged>(incoming_, kDataTag);
  }

  Endpoint& endpoint_;
  fi_addr_t peer_;
  Bytes outgoing_;
  Bytes incoming_;
  std::size_t window_;
  bool receives_;
};

// Nanoseconds of one window; meaningful in the leader only.
Percentiles measure_stream(Scene& scene, Connection& connection, std::size_t size) {
  Stream stream(connection, size, window_for(size), !scene.is_leader());
  return measure_exchange(scene, connection, stream, size, kTrialWindows);
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
