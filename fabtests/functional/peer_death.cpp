// SPDX-License-Identifier: BSD-2-Clause
// A peer is killed: everything outstanding to or awaited from it ends in error within a second, others go on.
//
// Rank 0 survives and kills, rank 1 dies, rank 2 (where there is one) goes on.
#include "calls.h"
#include "common/registry.h"
#include "common/shared_memory.h"
#include "victims.h"

namespace anchor::fabtests {

namespace {

constexpr std::uint64_t kAwaited = 1;  // tag of what never comes
constexpr std::uint64_t kHello = 2;
constexpr std::size_t kLarge = 2000000;

const NodeOptions kOptions{.caps = FI_MSG | FI_TAGGED | FI_DIRECTED_RECV | FI_SOURCE};

// A message each way, so that both sides are connected.
void greet(Node& node, int other) {
  char in;
  node.submit([&] { return fi_trecv(node.ep(), &in, 1, nullptr, node.peer(other), kHello, 0, nullptr); });
  node.submit([&] { return fi_tinject(node.ep(), "h", 1, node.peer(other), kHello); });
  node.await_receive();
}

// The victim: greets, says its number, and neither progresses nor answers from then on.
[[noreturn]] void be_killed(Node& node, Team& team) {
  greet(node, 0);
  node.rest(true);
  team.tell(0, own_pid());
  team.await_death();
}

pid_t meet_victim(Node& node, Team& team) {
  greet(node, 1);
  return pid_from(team.hear_text(1));
}

void send_large(Node& node, const Bytes& message, int count) {
  for (int i = 0; i < count; ++i) {
    node.submit([&] { return fi_tsend(node.ep(), message.data(), message.size(), nullptr, node.peer(1), 7, nullptr); });
  }
}

// Answers until it is told to stop by an empty message.
void echo(Node& node) {
  for (;;) {
    std::uint64_t number;
    node.submit([&] { return fi_trecv(node.ep(), &number, 8, nullptr, node.peer(0), 3, 0, nullptr); });
    if (node.await_receive().length == 0) return;
    node.submit([&] { return fi_tinject(node.ep(), &number, 8, node.peer(0), 4); });
  }
}

bool echo_works(Node& node, std::uint64_t number) {
  std::uint64_t answer = ~number;
  node.submit([&] { return fi_trecv(node.ep(), &answer, 8, nullptr, node.peer(2), 4, 0, &answer); });
  node.submit([&] { return fi_tinject(node.ep(), &number, 8, node.peer(2), 3); });
  return node.await_receive().context == static_cast<void*>(&answer) && answer == number;
}

}  // namespace

// Its address was known, and nobody had spoken to it.
TEST(death_before_it_was_met, .ranks = 2, .mortal = 1u << 1, .anchor_only = true, .shm_only = true) {
  if (!shared_memory_is_private()) skip("others may remove the dead region");
  Node node(team, kOptions);
  node.introduce();
  const pid_t victim = meet_silent_victim(team);
  for (const Deadline deadline(10); kill(victim, SIGKILL) == 0; usleep(1000)) REQUIRE(!deadline.expired());
  char in;
  node.submit([&] { return fi_trecv(node.ep(), &in, 1, nullptr, node.peer(1), kAwaited, 0, nullptr); });
  for (int i = 0; i < 3; ++i)
    node.submit([&] { return fi_tsend(node.ep(), "x", 1, nullptr, node.peer(1), 7, nullptr); });
  CHECK_EQ(collect_ends(node, 3, 1), 4);
}

TEST(death_with_large_sends_outstanding, .ranks = 2, .mortal = 1u << 1, .anchor_only = true) {
  Node node(team, kOptions);
  node.introduce();
  if (team.rank() == 1) be_killed(node, team);
  const pid_t victim = meet_victim(node, team);
  const Bytes large = patterned(kLarge, 1);
  send_large(node, large, 20);
  CHECK_EQ(kill_and_collect(node, victim, 20, 0), 20);
}
TEST_AGAIN(death_with_large_sends_by_copying, death_with_large_sends_outstanding, .ranks = 2, .mortal = 1u << 1,
           .anchor_only = true, .environment = {"FI_ANCHOR_CMA=0"});

// The FIFO to the victim is full, more is queued behind.
TEST(death_with_sends_queued, .ranks = 2, .mortal = 1u << 1, .anchor_only = true) {
  Node node(team, kOptions);
  node.introduce();
  if (team.rank() == 1) be_killed(node, team);
  const pid_t victim = meet_victim(node, team);
  const Bytes message = patterned(3000, 1);
  std::size_t queued = 0;
  while (fi_tsend(node.ep(), message.data(), 3000, nullptr, node.peer(1), 7, nullptr) == 0 && queued < 5000) ++queued;
  CHECK(queued > 0);
  // Those that found room in the FIFO may have completed: they were transmitted.
  CHECK(kill_and_collect(node, victim, queued, 0) > 0);
}

TEST(death_with_deliveries_outstanding, .ranks = 2, .mortal = 1u << 1, .anchor_only = true) {
  Node node(team, kOptions);
  node.introduce();
  if (team.rank() == 1) be_killed(node, team);
  const pid_t victim = meet_victim(node, team);
  for (int i = 0; i < 10; ++i) {
    const Outgoing out{.buffer = "small", .size = 5, .to = node.peer(1), .tag = 7};
    node.submit([&] { return send_tagged_message(node.ep(), out, FI_COMPLETION | FI_DELIVERY_COMPLETE); });
  }
  CHECK_EQ(kill_and_collect(node, victim, 10, 0), 10);
}

TEST(death_with_directed_receives, .ranks = 2, .mortal = 1u << 1, .anchor_only = true) {
  Node node(team, kOptions);
  node.introduce();
  if (team.rank() == 1) be_killed(node, team);
  const pid_t victim = meet_victim(node, team);
  char bytes[20];
  for (int i = 0; i < 10; ++i) {
    node.submit([&] { return fi_trecv(node.ep(), &bytes[i], 1, nullptr, node.peer(1), kAwaited, 0, nullptr); });
    node.submit([&] { return fi_recv(node.ep(), &bytes[10 + i], 1, nullptr, node.peer(1), nullptr); });
  }
  CHECK_EQ(kill_and_collect(node, victim, 0, 20), 20);
}

TEST(death_of_one_never_spoken_to, .ranks = 2, .mortal = 1u << 1, .anchor_only = true) {
  Node node(team, kOptions);
  node.introduce();
  const pid_t victim = meet_silent_victim(team);
  char byte;
  node.submit([&] { return fi_trecv(node.ep(), &byte, 1, nullptr, node.peer(1), kAwaited, 0, nullptr); });
  CHECK_EQ(kill_and_collect(node, victim, 0, 1), 1);
}

// It was found and asked, but never answered: no reason to wait for FI_ANCHOR_CONNECT_TIMEOUT.
TEST(death_before_an_answer, .ranks = 2, .mortal = 1u << 1, .anchor_only = true) {
  Node node(team, kOptions);
  node.introduce();
  const pid_t victim = meet_silent_victim(team);
  const Bytes large = patterned(kLarge, 1);
  send_large(node, large, 5);
  for (int i = 0; i < 5; ++i) {
    node.submit([&] { return fi_tsend(node.ep(), "small", 5, nullptr, node.peer(1), 7, nullptr); });
  }
  CHECK_EQ(kill_and_collect(node, victim, 10, 0), 10);
}

// What the victim had sent before its death is received still, then the errors come.
TEST(death_after_sending, .ranks = 2, .mortal = 1u << 1, .anchor_only = true) {
  constexpr std::uint64_t kMessages = 50;
  Node node(team, kOptions);
  node.introduce();
  if (team.rank() == 1) {
    greet(node, 0);
    for (std::uint64_t i = 0; i < kMessages; ++i) {
      const Outgoing out{.buffer = &i, .size = 8, .to = node.peer(0), .tag = kAwaited};
      node.submit([&] { return send_tagged_message(node.ep(), out, FI_COMPLETION); });
      node.await_send();
    }
    team.tell(0, own_pid());
    team.await_death();
  }
  const pid_t victim = meet_victim(node, team);
  std::uint64_t numbers[kMessages + 5];
  for (std::uint64_t& number : numbers) {
    node.submit([&] { return fi_trecv(node.ep(), &number, 8, nullptr, node.peer(1), kAwaited, 0, &number); });
  }
  CHECK_EQ(kill_and_collect(node, victim, 0, kMessages + 5), 5);
  for (std::uint64_t i = 0; i < kMessages; ++i) CHECK_EQ(numbers[i], i);
}

// Receives from anybody outlive the death of one.
TEST(death_leaves_wildcard_receives_posted, .ranks = 3, .mortal = 1u << 1, .anchor_only = true) {
  Node node(team, kOptions);
  node.introduce();
  if (team.rank() == 1) be_killed(node, team);
  if (team.rank() == 2) return echo(node);
  const pid_t victim = meet_victim(node, team);
  std::uint64_t answer = 0, lost = 0;
  node.submit([&] { return fi_trecv(node.ep(), &answer, 8, nullptr, FI_ADDR_UNSPEC, 4, 0, &answer); });
  node.submit([&] { return fi_trecv(node.ep(), &lost, 8, nullptr, node.peer(1), kAwaited, 0, &lost); });
  CHECK_EQ(kill_and_collect(node, victim, 0, 1), 1);
  const std::uint64_t number = 77;
  node.submit([&] { return fi_tinject(node.ep(), &number, 8, node.peer(2), 3); });
  CHECK_EQ(node.await_receive().context, static_cast<void*>(&answer));
  CHECK_EQ(answer, 77u);
  node.submit([&] { return fi_tinject(node.ep(), nullptr, 0, node.peer(2), 3); });
}

// Another peer is talked to before, while and after the death is noticed.
TEST(death_does_not_disturb_others, .ranks = 3, .mortal = 1u << 1, .anchor_only = true) {
  Node node(team, kOptions);
  node.introduce();
  if (team.rank() == 1) be_killed(node, team);
  if (team.rank() == 2) return echo(node);
  const pid_t victim = meet_victim(node, team);
  const Bytes large = patterned(kLarge, 1);
  send_large(node, large, 5);
  REQUIRE(kill(victim, SIGKILL) == 0);
  const Deadline clock(60);
  std::uint64_t echoes = 0;
  while (node.sends().size() < 5 && clock.elapsed() < kNoticeSeconds * time_scale()) {
    CHECK(echo_works(node, echoes++));
  }
  CHECK_EQ(node.sends().size(), 5u);
  CHECK(echoes > 0);
  for (int i = 0; i < 5; ++i) CHECK(means_peer_lost(node.await_send_error().error));
  for (int i = 0; i < 100; ++i) CHECK(echo_works(node, echoes++));
  node.submit([&] { return fi_tinject(node.ep(), nullptr, 0, node.peer(2), 3); });
}

// Operations started after the death end as well; the address is good for nothing until somebody takes the name.
TEST(death_before_sending, .ranks = 2, .mortal = 1u << 1, .anchor_only = true) {
  Node node(team, kOptions);
  node.introduce();
  if (team.rank() == 1) be_killed(node, team);
  const pid_t victim = meet_victim(node, team);
  char byte;
  node.submit([&] { return fi_trecv(node.ep(), &byte, 1, nullptr, node.peer(1), kAwaited, 0, nullptr); });
  CHECK_EQ(kill_and_collect(node, victim, 0, 1), 1);
  const Bytes large = patterned(kLarge, 1);
  for (const std::size_t size : {std::size_t{8}, kLarge}) {
    const ssize_t rc = fi_tsend(node.ep(), large.data(), size, nullptr, node.peer(1), 7, nullptr);
    if (rc == 0) CHECK(means_peer_lost(node.await_send_error(3).error));
  }
}

// Who looks every 100 ms, as a server's timer may, hears of it as soon as who polls.
TEST(death_noticed_by_who_looks_seldom, .ranks = 2, .mortal = 1u << 1, .anchor_only = true) {
  Node node(team, kOptions);
  node.introduce();
  if (team.rank() == 1) be_killed(node, team);
  const pid_t victim = meet_victim(node, team);
  char byte;
  node.submit([&] { return fi_trecv(node.ep(), &byte, 1, nullptr, node.peer(1), kAwaited, 0, nullptr); });
  const auto look_after = [&](useconds_t microseconds) {
    usleep(microseconds);
    node.progress();
  };
  for (int i = 0; i < 100; ++i) look_after(5'000);
  REQUIRE(kill(victim, SIGKILL) == 0);
  const Deadline clock(kNoticeSeconds * time_scale());
  while (node.receives().empty() && !clock.expired()) look_after(100'000);
  REQUIRE(!node.receives().empty());
  CHECK_EQ(node.receives().take().error, FI_ECONNRESET);
}

// A stopped process is not a dead one.
TEST(death_is_not_a_pause, .ranks = 2, .anchor_only = true) {
  Node node(team, kOptions);
  node.introduce();
  if (team.rank() == 1) {
    greet(node, 0);
    team.tell(0, own_pid());
    Bytes buffer(kLarge);
    node.submit([&] { return fi_trecv(node.ep(), buffer.data(), kLarge, nullptr, node.peer(0), 7, 0, nullptr); });
    node.await_receive();
    check_pattern(buffer.data(), kLarge, 1);
    node.submit([&] { return fi_tinject(node.ep(), "back", 4, node.peer(0), kAwaited); });
    team.barrier();
    return;
  }
  const pid_t sleeper = meet_victim(node, team);
  REQUIRE(kill(sleeper, SIGSTOP) == 0);
  const Bytes large = patterned(kLarge, 1);
  char text[4];
  send_large(node, large, 1);
  node.submit([&] { return fi_trecv(node.ep(), text, 4, nullptr, node.peer(1), kAwaited, 0, nullptr); });
  node.happens_within(2 * kNoticeSeconds, [&] { return !node.receives().empty(); });
  CHECK(node.receives().empty());  // longer than a death would have taken to be noticed
  REQUIRE(kill(sleeper, SIGCONT) == 0);
  node.await_send();
  CHECK_EQ(node.await_receive().length, 4u);
  team.barrier();
}

}  // namespace anchor::fabtests
