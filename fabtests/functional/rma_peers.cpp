// SPDX-License-Identifier: BSD-2-Clause
// Targets that sleep, come late, restart or die.
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cstring>

#include "common/registry.h"
#include "exposed.h"
#include "victims.h"

namespace anchor::fabtests {

namespace {

constexpr std::size_t kSize = 2'000'000;

volatile sig_atomic_t woken = 0;
void wake(int) { woken = 1; }

}  // namespace

// No call into the library, no time on a processor: what is written is there when the target wakes.
TEST(rma_target_asleep, .ranks = 2, .anchor_only = true, .shm_only = true) {
  Node node(team, rma_options());
  Exposed exposed(node, kSize, 1);
  node.introduce();
  if (team.rank() == 1) {
    struct sigaction action {};
    action.sa_handler = wake;
    REQUIRE(sigaction(SIGUSR1, &action, nullptr) == 0);
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    REQUIRE(sigprocmask(SIG_BLOCK, &blocked, &before) == 0);
    node.rest(true);
    team.tell(0, own_pid());
    while (woken == 0) sigsuspend(&before);  // pause(), without a gap before it
    check_pattern(exposed.memory.data(), kSize - 8, 7);
    check_untouched(exposed.memory.data() + kSize - 8, 8, kUntouched);
    team.tell(0, "seen");
    return;
  }
  const pid_t sleeper = pid_from(team.hear_text(1));
  Bytes out = patterned(kSize - 8, 7), back(kSize);
  node.submit([&] { return fi_inject_write(node.ep(), out.data(), 4000, node.peer(1), 0, 1); });
  write_to(node, {out.data() + 4000, 4000, node.peer(1), 4000, 1});
  write_to(node, {out.data() + 8000, out.size() - 8000, node.peer(1), 8000, 1});
  read_from(node, {back.data(), kSize, node.peer(1), 0, 1});
  check_pattern(back.data(), out.size(), 7);
  check_untouched(back.data() + out.size(), 8, kUntouched);
  REQUIRE(kill(sleeper, SIGUSR1) == 0);
  team.hear(1);
}

// A write to one who opens its endpoint later.
TEST(rma_target_comes_late, .ranks = 2, .anchor_only = true) {
  const std::string service = std::to_string(first_service());
  NodeOptions options = rma_options();
  const bool late = team.rank() == 1;
  const std::string agreed = to_text(team.gather(to_bytes(service))[1]);
  options.host = late ? kThisHost : "";
  options.service = late ? agreed : "";
  if (!late) {
    Node node(team, options);
    const fi_addr_t peer = node.insert(address_of(kThisHost, agreed));
    Bytes out = patterned(kSize, 3);
    node.submit([&] { return write_message(node.ep(), {out.data(), kSize, peer, 0, 1, 0, &out}, FI_COMPLETION); });
    node.submit([&] { return fi_inject_write(node.ep(), "last", 4, peer, kSize, 1); });
    CHECK(!node.happens_within(0.2, [&] { return !node.sends().empty(); }));
    team.tell(1, "come");
    CHECK_EQ(node.await_send().context, static_cast<void*>(&out));
    team.tell(1, "written");
    team.hear(1);
    return;
  }
  team.hear(0);
  const OpenDomain open(node_info(options).get());
  // Registered before the endpoint is there, so that no moment is too early for the write.
  Bytes memory(kSize + 4);
  Owned<fid_mr> mr;
  REQUIRE_OK(fi_mr_reg(open.domain.get(), memory.data(), memory.size(), kRemoteAccess, 0, 1, 0, mr.out(), nullptr));
  Node node(team, open, options);
  team.hear(0);
  check_pattern(memory.data(), kSize, 3);
  const Deadline deadline(10);
  while (std::memcmp(memory.data() + kSize, "last", 4) != 0 && !deadline.expired()) node.progress();
  CHECK(std::memcmp(memory.data() + kSize, "last", 4) == 0);
  team.tell(0, "seen");
}
TEST_AGAIN(rma_target_comes_late_through_fifo, rma_target_comes_late, .ranks = 2, .anchor_only = true,
           .environment = {"FI_ANCHOR_CMA=no"});

// Rank 1 is killed; each operation begun afterwards ends with an error, and so does what is outstanding.
TEST(rma_target_dies, .ranks = 2, .mortal = 1u << 1, .anchor_only = true, .shm_only = true) {
  Node node(team, rma_options());
  Exposed exposed(node, kSize, 1);
  node.introduce();
  if (team.rank() == 1) node.rest(true);
  const pid_t victim = meet_silent_victim(team);
  Bytes out = patterned(kSize, 7);
  const Access access{out.data(), kSize, node.peer(1), 0, 1};
  write_to(node, access);
  REQUIRE(kill(victim, SIGKILL) == 0);
  const Deadline clock(60);
  // The kill is not instantaneous: the memory may be there for a moment.
  for (bool lost = false; !lost && !clock.expired();) {
    node.submit([&] { return write_message(node.ep(), access, FI_COMPLETION); });
    node.until(
        "an end", [&] { return !node.sends().empty(); }, 5);
    const Entry entry = node.sends().take();
    lost = entry.error != 0;
    if (lost) CHECK(means_peer_lost(entry.error));
  }
  CHECK(clock.elapsed() < kNoticeSeconds * time_scale());
  node.submit([&] { return read_message(node.ep(), access, FI_COMPLETION); });
  CHECK(means_peer_lost(node.await_send_error(3).error));
}

// Through the FIFO the target never answers: what is outstanding ends when it dies.
TEST(rma_target_dies_unanswered, .ranks = 2, .mortal = 1u << 1, .anchor_only = true,
     .environment = {"FI_ANCHOR_CMA=no"}) {
  Node node(team, rma_options());
  Exposed exposed(node, kSize, 1);
  node.introduce();
  if (team.rank() == 1) {
    char byte;
    node.submit([&] { return fi_trecv(node.ep(), &byte, 1, nullptr, FI_ADDR_UNSPEC, 1, 0, nullptr); });
    node.await_receive();
    node.rest(true);
    team.tell(0, own_pid());
    team.await_death();
  }
  node.submit([&] { return fi_tinject(node.ep(), "x", 1, node.peer(1), 1); });
  const pid_t victim = pid_from(team.hear_text(1));
  Bytes out = patterned(kSize, 7), in(kSize);
  for (int i = 0; i < 10; ++i) {
    node.submit([&] { return read_message(node.ep(), {in.data(), kSize, node.peer(1), 0, 1}, FI_COMPLETION); });
    node.submit([&] { return write_message(node.ep(), {out.data(), kSize, node.peer(1), 0, 1}, FI_COMPLETION); });
  }
  CHECK_EQ(kill_and_collect(node, victim, 20, 0), 20);
}

// The initiator dies amid its operations: the target's own affairs go on.
TEST(rma_initiator_dies, .ranks = 2, .mortal = 1u << 1, .anchor_only = true) {
  Node node(team, rma_options());
  Exposed exposed(node, kSize, 1);
  node.introduce();
  team.barrier();
  if (team.rank() == 1) {
    Bytes out = patterned(kSize, 7), in(kSize);
    team.tell(0, own_pid());
    for (;;) {
      static_cast<void>(write_message(node.ep(), {out.data(), kSize, node.peer(0), 0, 1}, 0));
      static_cast<void>(read_message(node.ep(), {in.data(), kSize, node.peer(0), 0, 1}, 0));
      node.progress();
      while (!node.sends().empty()) node.sends().take();
    }
  }
  const pid_t victim = pid_from(team.hear_text(1));
  node.happens_within(0.3, [] { return false; });
  REQUIRE(kill(victim, SIGKILL) == 0);
  node.happens_within(0.7, [] { return false; });
  write_to(node, {exposed.memory.data(), 1000, node.peer(0), 0, 1});
}
TEST_AGAIN(rma_initiator_dies_through_fifo, rma_initiator_dies, .ranks = 2, .mortal = 1u << 1, .anchor_only = true,
           .environment = {"FI_ANCHOR_CMA=no"});

// The same name, another process and other memory: what the initiator remembered of the first is not used.
TEST(rma_target_restarts, .ranks = 2, .mortal = 1u << 1, .restarts = 1, .anchor_only = true) {
  NodeOptions options = rma_options();
  options.host = kThisHost;
  options.service = "7391";
  if (team.rank() == 1) {
    const OpenDomain open(node_info(options).get());
    Bytes memory(kSize, kUntouched);
    Owned<fid_mr> mr;
    REQUIRE_OK(fi_mr_reg(open.domain.get(), memory.data(), kSize, kRemoteAccess, 0, 1, 0, mr.out(), nullptr));
    Node node(team, open, options);
    team.tell(0, own_pid());
    team.hear(0);  // the first of us hears nothing, and makes progress until it is killed
    check_pattern(memory.data(), kSize, 2);
    return;
  }
  Node node(team, rma_options());
  const fi_addr_t peer = node.insert(address_of(kThisHost, "7391"));
  const pid_t victim = pid_from(team.hear_text(1));
  Bytes first = patterned(kSize, 1), second = patterned(kSize, 2);
  write_to(node, {first.data(), kSize, peer, 0, 1});
  REQUIRE(kill(victim, SIGKILL) == 0);
  team.hear(1);
  // The first attempts may find that the one they knew has gone.
  const Deadline deadline(10);
  for (bool written = false; !written && !deadline.expired();) {
    node.submit([&] { return write_message(node.ep(), {second.data(), kSize, peer, 0, 1}, FI_COMPLETION); });
    node.until("an end", [&] { return !node.sends().empty(); });
    written = node.sends().take().error == 0;
  }
  team.tell(1, "written");
}
TEST_AGAIN(rma_target_restarts_through_fifo, rma_target_restarts, .ranks = 2, .mortal = 1u << 1, .restarts = 1,
           .anchor_only = true, .environment = {"FI_ANCHOR_CMA=no"});

}  // namespace anchor::fabtests
