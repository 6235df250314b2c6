// SPDX-License-Identifier: BSD-2-Clause
// A queue's descriptor inside libevent, level- and edge-triggered, beside another descriptor. A program of its own,
// which is built where libevent is.
//
// libevent decides when to wait, and nobody is asked before. So every callback that used the endpoint ends as
// fi_trywait(3) wants it: with nothing left to read, and with leave to wait. The liveness alarm is far away: what is
// not woken by its peer stays asleep.
#include <event2/event.h>
#include <fcntl.h>

#include <cstring>
#include <memory>

#include "common/registry.h"
#include "sleeper.h"

namespace anchor::fabtests {

namespace {

constexpr std::size_t kSmall = 8;
constexpr std::size_t kLarge = 1'000'000;

struct Freer {
  void operator()(event_base* base) const noexcept { event_base_free(base); }
  void operator()(event_config* settings) const noexcept { event_config_free(settings); }
  void operator()(event* watched) const noexcept { event_free(watched); }
};
using Watch = std::unique_ptr<event, Freer>;

// epoll is the only way of libevent's on Linux that knows edges.
std::unique_ptr<event_base, Freer> open_base() {
  const std::unique_ptr<event_config, Freer> settings(event_config_new());
  REQUIRE_EQ(event_config_require_features(settings.get(), EV_FEATURE_ET), 0);
  std::unique_ptr<event_base, Freer> base(event_base_new_with_config(settings.get()));
  REQUIRE(base != nullptr);
  REQUIRE_EQ(std::string(event_base_get_method(base.get())), "epoll");
  return base;
}

struct Pipe {
  Pipe() { REQUIRE_EQ(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0); }
  ~Pipe() {
    close(ends[0]);
    close(ends[1]);
  }
  int ends[2];
};

// One of two that play ping-pong. A message that came makes the pipe readable, and the pipe's callback sends the next,
// so that the queue must be taken up again by a callback which is not its own.
class Player {
 public:
  Player(Team& team, short trigger, std::size_t size, int rounds)
      : team_(team), sleeper_(open_), out_(size), in_(size), rounds_(rounds) {
    const auto names = team.gather(name_of(sleeper_.ep.get()));
    peer_ = insert_address(sleeper_.av.get(), names[static_cast<std::size_t>(1 - team.rank())]);
    watch(sleeper_.fd, trigger, [](evutil_socket_t, short, void* self) { static_cast<Player*>(self)->on_queue(); });
    watch(ball_.ends[0], 0, [](evutil_socket_t, short, void* self) { static_cast<Player*>(self)->on_ball(); });
    limit_.reset(event_new(
        base_.get(), -1, 0,
        [](evutil_socket_t, short, void* self) {
          note_failure(FABTESTS_PLACE, "nobody woke us");
          event_base_loopbreak(static_cast<Player*>(self)->base_.get());
        },
        this));
    const timeval patience{static_cast<time_t>(15 * time_scale()), 0};
    event_add(limit_.get(), &patience);
  }

  void run() {
    sleeper_.receive(in_.data(), in_.size());
    if (team_.rank() == 0) throw_ball();
    take_all();
    CHECK(event_base_dispatch(base_.get()) >= 0);
    CHECK_EQ(received_, rounds_);
    CHECK(wakings_ > 0);
    team_.barrier();
  }

 private:
  void watch(int fd, short trigger, event_callback_fn callback) {
    watches_.emplace_back(
        event_new(base_.get(), fd, static_cast<short>(EV_READ | EV_PERSIST | trigger), callback, this));
    REQUIRE_EQ(event_add(watches_.back().get(), nullptr), 0);
  }

  void on_queue() {
    ++wakings_;
    take_all();
  }

  void on_ball() {
    char ball;
    if (read(ball_.ends[0], &ball, 1) != 1) return;
    fill_pattern(out_.data(), out_.size(), static_cast<std::uint64_t>(sent_++));
    REQUIRE_OK(fi_tsend(sleeper_.ep.get(), out_.data(), out_.size(), nullptr, peer_, 1, nullptr));
    take_all();
  }

  void throw_ball() { REQUIRE_EQ(write(ball_.ends[1], "b", 1), 1); }

  // What there is, until one may wait.
  void take_all() {
    do {
      sleeper_.read_all();
      for (const fi_cq_tagged_entry& entry : std::exchange(sleeper_.entries, {})) take(entry);
    } while (sleeper_.try_wait() != 0);
    CHECK_EQ(sleeper_.errors.size(), 0u);
    if (completed_ == rounds_ && received_ == rounds_) event_base_loopbreak(base_.get());
  }

  void take(const fi_cq_tagged_entry& entry) {
    if ((entry.flags & FI_SEND) != 0) {
      ++completed_;
      return;
    }
    check_pattern(in_.data(), in_.size(), static_cast<std::uint64_t>(received_++));
    if (received_ < rounds_) sleeper_.receive(in_.data(), in_.size());
    if (sent_ < rounds_) throw_ball();
  }

  Team& team_;
  const OpenDomain open_ = OpenDomain::usual();
  Sleeper sleeper_;
  Bytes out_, in_;
  int rounds_;
  fi_addr_t peer_ = FI_ADDR_NOTAVAIL;
  Pipe ball_;
  std::unique_ptr<event_base, Freer> base_ = open_base();
  std::vector<Watch> watches_;
  Watch limit_;
  int sent_ = 0, completed_ = 0, received_ = 0, wakings_ = 0;
};

}  // namespace

TEST(libevent_level_triggered, .ranks = 2, .anchor_only = true, .environment = {"FI_ANCHOR_LIVENESS_INTERVAL=60000"}) {
  Player(team, 0, kSmall, 1000).run();
}
TEST(libevent_edge_triggered, .ranks = 2, .anchor_only = true, .environment = {"FI_ANCHOR_LIVENESS_INTERVAL=60000"}) {
  Player(team, EV_ET, kSmall, 1000).run();
}
TEST(libevent_level_triggered_long_messages, .ranks = 2, .anchor_only = true,
     .environment = {"FI_ANCHOR_LIVENESS_INTERVAL=60000"}) {
  Player(team, 0, kLarge, 20).run();
}
TEST(libevent_edge_triggered_long_messages, .ranks = 2, .anchor_only = true,
     .environment = {"FI_ANCHOR_LIVENESS_INTERVAL=60000"}) {
  Player(team, EV_ET, kLarge, 20).run();
}

}  // namespace anchor::fabtests
