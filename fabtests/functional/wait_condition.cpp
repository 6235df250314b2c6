// SPDX-License-Identifier: BSD-2-Clause
// FI_WAIT_MUTEX_COND: the application waits for a condition of the provider's, under its mutex, after fi_trywait.
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include <atomic>
#include <thread>

#include "common/registry.h"
#include "sleeper.h"

namespace anchor::fabtests {

namespace {

timespec in_seconds(double seconds) {
  timespec moment;
  clock_gettime(CLOCK_REALTIME, &moment);
  moment.tv_sec += static_cast<time_t>(seconds);
  return moment;
}

struct ConditionSleeper : Sleeper {
  explicit ConditionSleeper(const OpenDomain& with) : Sleeper(with, FI_WAIT_MUTEX_COND) {
    REQUIRE_OK(fi_control(cq.as_fid(), FI_GETWAIT, &condition));
    REQUIRE(condition.mutex != nullptr && condition.cond != nullptr);
  }
  // As fi_poll(3) has it, with the mutex held from the look to the wait.
  void await_entry() {
    while (entries.empty()) {
      pthread_mutex_lock(condition.mutex);
      const timespec moment = in_seconds(20 * time_scale());
      const int waited = try_wait() == 0 ? pthread_cond_timedwait(condition.cond, condition.mutex, &moment) : 0;
      pthread_mutex_unlock(condition.mutex);
      REQUIRE_EQ(waited, 0);
      read_all();
      REQUIRE(errors.empty());
    }
    entries.erase(entries.begin());
  }
  fi_mutex_cond condition{};
};

}  // namespace

// One after the other, so that a wake-up that got lost is not made good by the next message. The liveness interval is
// so long that its alarm helps nobody.
TEST(condition_ping_pong, .ranks = 2, .anchor_only = true,
     .environment = {"FI_ANCHOR_SPIN=0", "FI_ANCHOR_LIVENESS_INTERVAL=60000"}) {
  constexpr int kRounds = 1000;
  const OpenDomain open = OpenDomain::usual();
  ConditionSleeper sleeper(open);
  const auto names = team.gather(name_of(sleeper.ep.get()));
  const fi_addr_t peer = insert_address(sleeper.av.get(), names[static_cast<std::size_t>(1 - team.rank())]);
  for (int i = 0; i < kRounds; ++i) {
    int number = -1;
    sleeper.receive(&number, sizeof number);
    if (team.rank() == 0) REQUIRE_OK(fi_tinject(sleeper.ep.get(), &i, sizeof i, peer, 1));
    sleeper.await_entry();
    REQUIRE_EQ(number, i);
    if (team.rank() == 1) REQUIRE_OK(fi_tinject(sleeper.ep.get(), &i, sizeof i, peer, 1));
  }
  team.barrier();
}

// The blocking calls are those of any other wait object, before the condition was asked for and after it.
TEST(condition_beside_blocking_reads, .ranks = 2, .anchor_only = true,
     .environment = {"FI_ANCHOR_SPIN=0", "FI_ANCHOR_LIVENESS_INTERVAL=60000"}) {
  const OpenDomain open = OpenDomain::usual();
  Sleeper sleeper(open, FI_WAIT_MUTEX_COND);
  const auto names = team.gather(name_of(sleeper.ep.get()));
  const fi_addr_t peer = insert_address(sleeper.av.get(), names[static_cast<std::size_t>(1 - team.rank())]);
  for (int i = 0; i < 200; ++i) {
    if (i == 100) {
      fi_mutex_cond condition{};
      REQUIRE_OK(fi_control(sleeper.cq.as_fid(), FI_GETWAIT, &condition));
    }
    int number = -1;
    sleeper.receive(&number, sizeof number);
    if (team.rank() == 0) REQUIRE_OK(fi_tinject(sleeper.ep.get(), &i, sizeof i, peer, 1));
    fi_cq_tagged_entry entry;
    REQUIRE_EQ(fi_cq_sread(sleeper.cq.get(), &entry, 1, nullptr, static_cast<int>(20'000 * time_scale())), 1);
    REQUIRE_EQ(number, i);
    if (team.rank() == 1) REQUIRE_OK(fi_tinject(sleeper.ep.get(), &i, sizeof i, peer, 1));
  }
  team.barrier();
}

// Several threads wait for one condition; each goes on when something is there for it.
TEST(condition_for_several_threads, .anchor_only = true, .environment = {"FI_ANCHOR_SPIN=0"}) {
  constexpr int kThreads = 3, kMessages = 150;
  const OpenDomain open = OpenDomain::usual();
  ConditionSleeper sleeper(open);
  const fi_addr_t self = insert_address(sleeper.av.get(), name_of(sleeper.ep.get()));
  std::vector<char> in(kMessages);
  for (char& byte : in) sleeper.receive(&byte, 1);
  std::atomic<int> received{0};
  const auto wait_and_read = [&] {
    while (received.load() < kMessages) {
      pthread_mutex_lock(sleeper.condition.mutex);
      const timespec moment = in_seconds(1);  // the last message is for one thread only
      if (received.load() < kMessages && sleeper.try_wait() == 0)
        pthread_cond_timedwait(sleeper.condition.cond, sleeper.condition.mutex, &moment);
      pthread_mutex_unlock(sleeper.condition.mutex);
      fi_cq_tagged_entry entry;
      while (fi_cq_read(sleeper.cq.get(), &entry, 1) == 1) received.fetch_add(1);
    }
  };
  std::vector<std::thread> readers;
  for (int t = 0; t < kThreads; ++t) readers.emplace_back(wait_and_read);
  for (int i = 0; i < kMessages; ++i)
    while (fi_tinject(sleeper.ep.get(), "x", 1, self, 1) == -FI_EAGAIN) sched_yield();
  for (std::thread& reader : readers) reader.join();
  CHECK_EQ(received.load(), kMessages);
}

}  // namespace anchor::fabtests
