// SPDX-License-Identifier: BSD-2-Clause
// Whatever completes something for a sleeper wakes it, and a sleeper costs no processor.
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include <thread>

#include "calls.h"
#include "common/registry.h"
#include "sleeper.h"
#include "victims.h"

namespace anchor::fabtests {

namespace {

constexpr std::size_t kLarge = 3'000'000;

ssize_t sleep_for_entry(Sleeper& sleeper, fi_cq_tagged_entry* entry, int milliseconds) {
  return fi_cq_sread(sleeper.cq.get(), entry, 1, nullptr, milliseconds);
}

// The next entry, by a blocking read alone. More than one wake-up's worth of time means that one was lost.
fi_cq_tagged_entry next(Sleeper& sleeper) {
  fi_cq_tagged_entry entry{};
  REQUIRE_EQ(sleep_for_entry(sleeper, &entry, static_cast<int>(15'000 * time_scale())), 1);
  return entry;
}

// The one thing that is outstanding ends with FI_ECONNRESET, in time.
void kill_while_asleep(Sleeper& sleeper, pid_t victim) {
  sleeper.fall_asleep();
  REQUIRE(kill(victim, SIGKILL) == 0);
  const Deadline clock(60);
  sleeper.await(sleeper.entries.size() + 1);
  REQUIRE_EQ(sleeper.errors.size(), 1u);
  CHECK_EQ(sleeper.errors[0], FI_ECONNRESET);
  CHECK(clock.elapsed() < kNoticeSeconds * time_scale());
}

// Both ranks sleep whenever they wait. The liveness interval is so long that its alarm helps nobody.
struct Pair {
  explicit Pair(Team& team, fi_wait_obj object = FI_WAIT_UNSPEC) : sleeper(open, object) {
    const auto names = team.gather(name_of(sleeper.ep.get()));
    peer = insert_address(sleeper.av.get(), names[static_cast<std::size_t>(1 - team.rank())]);
  }
  void send(const void* bytes, std::size_t size) {
    REQUIRE_OK(fi_tsend(sleeper.ep.get(), bytes, size, nullptr, peer, 1, nullptr));
  }

  OpenDomain open = OpenDomain::usual();
  Sleeper sleeper;
  fi_addr_t peer = FI_ADDR_NOTAVAIL;
};

void ping_pong(Team& team, std::size_t size, int rounds) {
  Pair pair(team);
  const Bytes out = patterned(size, 1);
  Bytes in(size);
  for (int i = 0; i < rounds; ++i) {
    pair.sleeper.receive(in.data(), size);
    if (team.rank() == 0) pair.send(out.data(), size);
    int sent = team.rank() == 0 ? 1 : 0, received = 0;
    while (received == 0) (next(pair.sleeper).flags & FI_RECV) ? ++received : --sent;
    if (team.rank() == 1) {
      pair.send(out.data(), size);
      sent = 1;
    }
    while (sent != 0) --sent, CHECK((next(pair.sleeper).flags & FI_SEND) != 0);
    CHECK(in == out);
  }
  team.barrier();
}

}  // namespace

TEST(sleeping_ping_pong, .ranks = 2, .anchor_only = true,
     .environment = {"FI_ANCHOR_SPIN=0", "FI_ANCHOR_LIVENESS_INTERVAL=60000"}) {
  ping_pong(team, 8, 2000);
}
TEST(sleeping_rendezvous, .ranks = 2, .anchor_only = true,
     .environment = {"FI_ANCHOR_SPIN=0", "FI_ANCHOR_LIVENESS_INTERVAL=60000"}) {
  ping_pong(team, kLarge, 20);
}
TEST(sleeping_rendezvous_without_cma, .ranks = 2, .anchor_only = true,
     .environment = {"FI_ANCHOR_SPIN=0", "FI_ANCHOR_LIVENESS_INTERVAL=60000", "FI_ANCHOR_CMA=0"}) {
  ping_pong(team, kLarge, 20);
}

// The sender has more than the FIFO holds, and sleeps until there is room again.
TEST(sleeping_for_credits, .ranks = 2, .anchor_only = true,
     .environment = {"FI_ANCHOR_SPIN=0", "FI_ANCHOR_LIVENESS_INTERVAL=60000"}) {
  constexpr int kMessages = 900;
  Pair pair(team);
  std::vector<int> numbers(kMessages);
  if (team.rank() == 0) {
    for (int& number : numbers) {
      number = static_cast<int>(&number - numbers.data());
      pair.send(&number, sizeof number);
    }
    for (int i = 0; i < kMessages; ++i) next(pair.sleeper);
  } else {
    for (int& number : numbers) pair.sleeper.receive(&number, sizeof number);
    for (int i = 0; i < kMessages; ++i) next(pair.sleeper);
    for (int i = 0; i < kMessages; ++i) REQUIRE_EQ(numbers[static_cast<std::size_t>(i)], i);
  }
  team.barrier();
}

// A peer that sleeps in poll(2) hears of a death in bounded time, like one that polls.
TEST(sleeping_until_a_peer_dies, .ranks = 2, .mortal = 1u << 1, .anchor_only = true) {
  Info hints = message_hints(FI_MSG | FI_TAGGED | FI_DIRECTED_RECV);
  const OpenDomain open(info_or_skip(hints.get()).get());
  Sleeper sleeper(open);
  const auto names = team.gather(name_of(sleeper.ep.get()));
  const fi_addr_t peer = insert_address(sleeper.av.get(), names[static_cast<std::size_t>(1 - team.rank())]);
  char hello = 'h', in[2];
  sleeper.receive(&in[0], 1, peer);
  REQUIRE_OK(fi_tinject(sleeper.ep.get(), &hello, 1, peer, 0));
  sleeper.await(1);
  const pid_t victim = meet_silent_victim(team);
  sleeper.receive(&in[1], 1, peer);
  kill_while_asleep(sleeper, victim);
}

// Notice is given of the death of one that polls but might sleep, long before its sleeping peer would look.
TEST(sleeping_until_notice_of_a_death, .ranks = 2, .mortal = 1u << 1, .anchor_only = true, .shm_only = true,
     .environment = {"FI_ANCHOR_SPIN=0", "FI_ANCHOR_LIVENESS_INTERVAL=60000"}) {
  Pair pair(team, FI_WAIT_FD);
  char in;
  pair.sleeper.receive(&in, 1);
  REQUIRE_OK(fi_tinject(pair.sleeper.ep.get(), "x", 1, pair.peer, 1));
  const Deadline deadline(15);
  while (pair.sleeper.entries.empty() && !deadline.expired()) pair.sleeper.read_all();
  REQUIRE_EQ(pair.sleeper.entries.size(), 1u);
  const pid_t victim = meet_silent_victim(team);
  const Bytes unheard(kLarge);
  pair.send(unheard.data(), unheard.size());
  kill_while_asleep(pair.sleeper, victim);
}

// Who died had been asked for a connection and had not answered: by then nothing of it was ever polled.
TEST(sleeping_until_one_dies_that_never_answered, .ranks = 2, .mortal = 1u << 1, .anchor_only = true,
     .environment = {"FI_ANCHOR_SPIN=0"}) {
  Pair pair(team, FI_WAIT_FD);
  const pid_t victim = meet_silent_victim(team);
  pair.send("x", 1);
  kill_while_asleep(pair.sleeper, victim);
}

// One thread sleeps, another sends through the same endpoint: its completion is for the sleeper.
TEST(sleeping_while_another_thread_sends, .anchor_only = true, .environment = {"FI_ANCHOR_SPIN=0"}) {
  const OpenDomain open = OpenDomain::usual();
  Sleeper sleeper(open, FI_WAIT_UNSPEC);
  const fi_addr_t self = insert_address(sleeper.av.get(), name_of(sleeper.ep.get()));
  for (int i = 0; i < 300; ++i) {
    char in = 0;
    sleeper.receive(&in, 1);
    std::thread sender([&] { fi_tsend(sleeper.ep.get(), "x", 1, nullptr, self, 1, nullptr); });
    next(sleeper);
    next(sleeper);
    sender.join();
    REQUIRE_EQ(in, 'x');
  }
}

// Several threads in a blocking read of one queue: each message ends the wait of one, and none is left asleep.
TEST(sleeping_in_several_threads, .anchor_only = true, .environment = {"FI_ANCHOR_SPIN=0"}) {
  constexpr int kThreads = 3, kMessages = 300;
  const OpenDomain open = OpenDomain::usual();
  Sleeper sleeper(open, FI_WAIT_UNSPEC);
  const fi_addr_t self = insert_address(sleeper.av.get(), name_of(sleeper.ep.get()));
  std::vector<char> in(kMessages);
  for (char& byte : in) sleeper.receive(&byte, 1);
  std::vector<std::thread> readers;
  for (int t = 0; t < kThreads; ++t)
    readers.emplace_back([&] {
      for (int i = 0; i < kMessages / kThreads; ++i) {
        fi_cq_tagged_entry entry;
        if (fi_cq_sread(sleeper.cq.get(), &entry, 1, nullptr, 15'000) != 1)
          return note_failure(FABTESTS_PLACE, "a reader slept on");
      }
    });
  for (int i = 0; i < kMessages; ++i)
    while (fi_tinject(sleeper.ep.get(), "x", 1, self, 1) == -FI_EAGAIN) sched_yield();
  for (std::thread& reader : readers) reader.join();
}

TEST(sleeping_for_a_threshold, .ranks = 2, .anchor_only = true, .environment = {"FI_ANCHOR_SPIN=0"}) {
  constexpr std::size_t kWanted = 5;
  const OpenDomain open = OpenDomain::usual();
  fi_cq_attr attributes{};
  attributes.format = FI_CQ_FORMAT_TAGGED;
  attributes.wait_obj = FI_WAIT_UNSPEC;
  attributes.wait_cond = FI_CQ_COND_THRESHOLD;
  Owned<fid_cq> cq;
  REQUIRE_OK(fi_cq_open(open.domain.get(), &attributes, cq.out(), nullptr));
  Owned<fid_av> av = open_av(open.domain.get());
  Owned<fid_ep> ep;
  REQUIRE_OK(fi_endpoint(open.domain.get(), open.info.get(), ep.out(), nullptr));
  REQUIRE_OK(fi_ep_bind(ep.get(), av.as_fid(), 0));
  REQUIRE_OK(fi_ep_bind(ep.get(), cq.as_fid(), FI_TRANSMIT | FI_RECV));
  REQUIRE_OK(fi_enable(ep.get()));
  const auto names = team.gather(name_of(ep.get()));
  const fi_addr_t peer = insert_address(av.get(), names[static_cast<std::size_t>(1 - team.rank())]);
  fi_cq_tagged_entry entries[kWanted];
  if (team.rank() == 1) {
    for (std::size_t i = 0; i < kWanted + 2; ++i) REQUIRE_OK(fi_tinject(ep.get(), "x", 1, peer, 1));
    CHECK_EQ(fi_cq_sread(cq.get(), entries, 1, nullptr, 100), -FI_EAGAIN);  // progress: connects
    team.barrier();
    return;
  }
  char in;
  for (std::size_t i = 0; i < kWanted + 2; ++i)
    REQUIRE_OK(fi_trecv(ep.get(), &in, 1, nullptr, FI_ADDR_UNSPEC, 1, 0, nullptr));
  CHECK_EQ(fi_cq_sread(cq.get(), entries, kWanted, &kWanted, 15'000), static_cast<ssize_t>(kWanted));
  // Fewer than wanted are there when the time is over.
  CHECK_EQ(fi_cq_sread(cq.get(), entries, kWanted, &kWanted, 200), 2);
  team.barrier();
}

// Two processes that share a folder and nothing else: not the numbers of processes, not the network.
TEST(sleeping_in_namespaces_of_ones_own, .ranks = 2, .anchor_only = true, .root_only = true,
     .environment = {"FI_ANCHOR_SPIN=0", "FI_ANCHOR_LIVENESS_INTERVAL=60000"}) {
  const auto exchange = [&] {
    if (getpid() != 1) return 2;
    try {
      ping_pong(team, 8, 300);
      ping_pong(team, kLarge, 3);
    } catch (...) {
      return 1;
    }
    return failure_count() != 0 ? 1 : 0;
  };
  // Only a child of whoever asks for a new PID namespace is in it; and he can start no thread any more, as a leak
  // checker does at the end, so he is a child himself.
  CHECK_EQ(exit_code_of_child([&] {
             if (unshare(CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) != 0) return 3;
             return exit_code_of_child(exchange);
           }),
           0);
}

}  // namespace anchor::fabtests
