// SPDX-License-Identifier: BSD-2-Clause
// Tokens wander among processes that fall asleep in every way there is, at random, whenever they have none. The
// liveness alarm is far away: a wake-up that is lost stops a token, and soon everything.
//
// STRESS_SLEEP_HOPS: hops of each token (default 20000; 10^6 in all for a thorough run: 350000).
#include <sched.h>

#include <cstdlib>

#include "common/registry.h"
#include "functional/sleeper.h"

namespace anchor::fabtests {

namespace {

constexpr std::uint64_t kTokens = 3;
constexpr std::uint64_t kFinished = ~0ull;
constexpr int kTooLong = 20'000;  // milliseconds
constexpr std::size_t kReceives = 16;

std::uint64_t hops_wanted() {
  const char* text = std::getenv("STRESS_SLEEP_HOPS");
  return text != nullptr ? std::strtoull(text, nullptr, 0) : 20'000;
}

class Wanderer {
 public:
  explicit Wanderer(Team& team) : team_(team), random_(team.random()) {
    for (std::uint64_t& place : places_) post(&place);
    for (const Bytes& name : team.gather(name_of(sleeper_.ep.get())))
      peers_.push_back(insert_address(sleeper_.av.get(), name));
  }

  void run() {
    if (team_.rank() == 0)
      for (std::uint64_t token = 0; token < kTokens; ++token) send(1 + token % (peers_.size() - 1), 1);
    while (finished_ < kTokens) {
      const fi_cq_tagged_entry entry = next();
      if ((entry.flags & FI_RECV) == 0) continue;
      auto* place = static_cast<std::uint64_t*>(entry.op_context);
      const std::uint64_t hops = *place;
      post(place);
      take(hops);
    }
    team_.barrier();
  }

 private:
  void post(std::uint64_t* place) {
    REQUIRE_OK(fi_trecv(sleeper_.ep.get(), place, sizeof(*place), nullptr, FI_ADDR_UNSPEC, 1, 0, place));
  }

  void send(std::size_t rank, std::uint64_t word) {
    ssize_t rc;
    while ((rc = fi_tinject(sleeper_.ep.get(), &word, sizeof(word), peers_[rank], 1)) == -FI_EAGAIN) sched_yield();
    REQUIRE_OK(rc);
  }

  void take(std::uint64_t hops) {
    if (hops == kFinished) {
      ++finished_;
    } else if (hops < hops_wanted()) {
      const auto others = static_cast<std::uint64_t>(peers_.size() - 1);
      send((static_cast<std::size_t>(team_.rank()) + 1 + random_.below(others)) % peers_.size(), hops + 1);
    } else {
      for (std::size_t rank = 0; rank < peers_.size(); ++rank)
        if (rank != static_cast<std::size_t>(team_.rank())) send(rank, kFinished);
      ++finished_;
    }
  }

  fi_cq_tagged_entry next() {
    fi_cq_tagged_entry entry{};
    ssize_t rc = -FI_EAGAIN;
    for (std::uint64_t looks = random_.below(4) == 0 ? random_.below(3000) : 0; looks > 0 && rc == -FI_EAGAIN; --looks)
      rc = fi_cq_read(sleeper_.cq.get(), &entry, 1);
    if (rc == -FI_EAGAIN && random_.below(2) == 0) rc = fi_cq_sread(sleeper_.cq.get(), &entry, 1, nullptr, kTooLong);
    const Deadline deadline(kTooLong / 1000);
    while (rc == -FI_EAGAIN) {
      if (deadline.expired()) {
        note_failure(FABTESTS_PLACE, "no token for so long: a wake-up was lost");
        abandon();
      }
      if (sleeper_.try_wait() == 0) sleeper_.readable(kTooLong);
      rc = fi_cq_read(sleeper_.cq.get(), &entry, 1);
    }
    REQUIRE_EQ(rc, 1);
    return entry;
  }

  Team& team_;
  Random random_;
  OpenDomain open_ = OpenDomain::usual();
  Sleeper sleeper_{open_};
  std::uint64_t places_[kReceives] = {};
  std::vector<fi_addr_t> peers_;
  std::uint64_t finished_ = 0;
};

}  // namespace

TEST(sleepers, .ranks = 4, .seconds = 600, .anchor_only = true,
     .environment = {"FI_ANCHOR_SPIN=0", "FI_ANCHOR_LIVENESS_INTERVAL=3600000"}) {
  Wanderer(team).run();
}
TEST_AGAIN(sleepers_that_spin, sleepers, .ranks = 4, .seconds = 600, .anchor_only = true,
           .environment = {"FI_ANCHOR_LIVENESS_INTERVAL=3600000"});

}  // namespace anchor::fabtests
