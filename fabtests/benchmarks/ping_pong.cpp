// SPDX-License-Identifier: BSD-2-Clause
#include "ping_pong.h"

#include "exchange.h"

namespace anchor::bench {
namespace {

constexpr std::uint64_t kTrial = 20;

template <Traffic kTraffic>
class PingPong {
 public:
  PingPong(Connection& connection, std::size_t size, Posting posting)
      : endpoint_(connection.endpoint()),
        peer_(connection.peer()),
        outgoing_(connection.outgoing().first(size)),
        incoming_(connection.incoming().first(size)),
        posting_(posting) {}

  ConstBytes received() const { return incoming_; }
  void post_first() { receive(); }

  void lead(std::uint64_t round_trips, Stopwatch& stopwatch) {
    stopwatch.start();
    for (std::uint64_t i = 1; i <= round_trips; ++i) {
      if (posting_ == Posting::kReceiveFirst) receive();
      send();
      if (posting_ == Posting::kSendFirst) receive();
      endpoint_.wait_all();
      if (i % lap_ == 0) stopwatch.mark();
    }
  }

  void follow(std::uint64_t round_trips) {
    for (std::uint64_t i = 1; i <= round_trips; ++i) {
      const bool again = i < round_trips;
      endpoint_.wait_all();
      if (again && posting_ == Posting::kReceiveFirst) receive();
      send();
      if (again && posting_ == Posting::kSendFirst) receive();
    }
    endpoint_.wait_all();
  }

  void choose_lap(double nanoseconds) { lap_ = lap_for(nanoseconds); }
  std::uint64_t repetitions_in_a_lap() const { return lap_; }

 private:
  void send() { endpoint_.send<kTraffic>(peer_, outgoing_, kDataTag); }
  void receive() { endpoint_.receive<kTraffic>(incoming_, kDataTag); }

  Endpoint& endpoint_;
  fi_addr_t peer_;
  Bytes outgoing_;
  Bytes incoming_;
  Posting posting_;
  std::uint64_t lap_ = 1;
};

}  // namespace

template <Traffic kTraffic>
Percentiles measure_ping_pong(Scene& scene, Connection& connection, std::size_t size, Posting posting) {
  PingPong<kTraffic> game(connection, size, posting);
  return half_of(measure_exchange(scene, connection, game, size, kTrial));
}

template Percentiles measure_ping_pong<Traffic::kTagged>(Scene&, Connection&, std::size_t, Posting);
template Percentiles measure_ping_pong<Traffic::kUntagged>(Scene&, Connection&, std::size_t, Posting);

}  // namespace anchor::bench
