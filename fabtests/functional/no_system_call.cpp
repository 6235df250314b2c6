// SPDX-License-Identifier: BSD-2-Clause
// A reader that polls costs its writer no system call: the writer has the kernel kill it at the first one. A reader
// that sleeps costs one write, however much is sent until it wakes: the writer is traced.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <string>
#include <vector>

#include "common/registry.h"
#include "common/window_hosts.h"
#include "sleeper.h"

namespace anchor::fabtests {

namespace {

constexpr int kMessages = 5000;

// Not _exit, nor declared to be like it: before a call that does not return AddressSanitizer makes a system call.
void leave(int code) { syscall(SYS_exit_group, code); }

// From now on nothing but leaving.
void allow_exit_only() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
  };
  const sock_fprog filter{sizeof(program) / sizeof(*program), program};
  REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  REQUIRE(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);
}

// By a message and its answer; until rank 0 says to go on.
fi_addr_t connect_to_reader(Team& team, Sleeper& writer) {
  const fi_addr_t reader = insert_address(writer.av.get(), team.hear(0));
  team.tell(0, name_of(writer.ep.get()));
  char in;
  writer.receive(&in, 1);
  REQUIRE_OK(fi_tinject(writer.ep.get(), "x", 1, reader, 1));
  writer.await(1);
  team.hear(0);
  return reader;
}

void write_without_system_calls(Team& team) {
  const OpenDomain open = OpenDomain::usual();
  Sleeper writer(open);
  const fi_addr_t reader = connect_to_reader(team, writer);
  allow_exit_only();
  for (int i = 0; i < kMessages; ++i)
    while (fi_tinject(writer.ep.get(), &i, sizeof(i), reader, 2) != 0) {
    }
  leave(0);
}

// Fewer than a FIFO holds.
constexpr int kBurst = 40;

// The reader sleeps when the first message comes, so that this side knows its pipe, and again when the burst comes.
void send_burst_traced(Team& team) {
  const OpenDomain open = OpenDomain::usual();
  Sleeper writer(open);
  const fi_addr_t reader = connect_to_reader(team, writer);
  REQUIRE_OK(fi_tinject(writer.ep.get(), "x", 1, reader, 1));
  team.hear(0);
  REQUIRE(ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0);
  kill(getpid(), SIGSTOP);
  for (int i = 0; i < kBurst; ++i)
    if (fi_tinject(writer.ep.get(), &i, sizeof(i), reader, 2) != 0) leave(1);
  leave(0);
}

// The numbers of the system calls that a child begins after it has stopped itself, until it exits.
std::vector<std::uint64_t> trace_until_exit(pid_t child, int* status) {
  std::vector<std::uint64_t> calls;
  REQUIRE(waitpid(child, status, 0) == child);
  while (WIFSTOPPED(*status)) {
    constexpr int kSystemCallStop = SIGTRAP | 0x80;
    if (WSTOPSIG(*status) == SIGSTOP) REQUIRE(ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD) == 0);
    if (WSTOPSIG(*status) == kSystemCallStop) {
      __ptrace_syscall_info about{};
      REQUIRE(ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof about, &about) > 0);
      if (about.op == PTRACE_SYSCALL_INFO_ENTRY) calls.push_back(about.entry.nr);
    }
    REQUIRE(ptrace(PTRACE_SYSCALL, child, 0, 0) == 0);
    REQUIRE(waitpid(child, status, 0) == child);
  }
  return calls;
}

// Rank 1's part.
void trace_writer(Team& team) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    try {
      send_burst_traced(team);
    } catch (...) {
      _exit(1);
    }
  }
  int status = 0;
  const std::vector<std::uint64_t> calls = trace_until_exit(child, &status);
  team.tell(0, "sent");
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  const std::vector<std::uint64_t> expected{SYS_pwritev2, SYS_exit_group};
  // Before Linux 6.18.
  const std::vector<std::uint64_t> signal_held{SYS_rt_sigprocmask, SYS_write, SYS_rt_sigprocmask, SYS_exit_group};
  if (calls == expected || calls == signal_held) return;
  std::string numbers;
  for (const std::uint64_t call : calls) numbers += ' ' + std::to_string(call);
  note_failure(FABTESTS_PLACE, "system calls:" + numbers);
}

}  // namespace

TEST(sleeping_reader_costs_one_write, .ranks = 2, .mortal = 1u << 1, .anchor_only = true, .shm_only = true,
     .environment = {"FI_ANCHOR_LIVENESS_INTERVAL=60000"}) {
  if (team.rank() == 1) return trace_writer(team);
  const OpenDomain open = OpenDomain::usual();
  Sleeper sleeper(open);
  team.tell(1, name_of(sleeper.ep.get()));
  const fi_addr_t writer = insert_address(sleeper.av.get(), team.hear(1));
  std::vector<int> numbers(2 + kBurst, -1);
  for (int& number : numbers) sleeper.receive(&number, sizeof number);
  sleeper.await(1);
  REQUIRE_OK(fi_tinject(sleeper.ep.get(), "y", 1, writer, 1));
  sleeper.fall_asleep();
  team.tell(1, "one");
  sleeper.await(2);
  sleeper.fall_asleep();
  CHECK(!sleeper.readable(0));
  team.tell(1, "burst");
  REQUIRE_EQ(team.hear_text(1), "sent");
  CHECK(sleeper.readable(0));
  sleeper.await(numbers.size());
  for (int i = 0; i < kBurst; ++i) CHECK_EQ(numbers[static_cast<std::size_t>(2 + i)], i);
}

TEST(polling_reader_costs_no_system_call, .ranks = 2, .mortal = 1u << 1, .anchor_only = true,
     .environment = {"FI_ANCHOR_LIVENESS_INTERVAL=60000"}) {
  if (on_simulated_memory()) skip("simulated caches take locks");
  if (team.rank() == 1) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      try {
        write_without_system_calls(team);
      } catch (...) {
        _exit(1);
      }
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(!WIFSIGNALED(status));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return;
  }
  Node node(team);
  team.tell(1, node.name());
  const fi_addr_t writer = node.insert(team.hear(1));
  int number = -1;
  node.submit([&] { return fi_trecv(node.ep(), &number, sizeof(number), nullptr, FI_ADDR_UNSPEC, 1, 0, nullptr); });
  node.await_receive();
  node.submit([&] { return fi_tinject(node.ep(), "y", 1, writer, 1); });
  // The writer has slept meanwhile; after enough passes each knows of the other that it polls.
  const Deadline settled(0.2);
  while (!settled.expired()) node.progress();
  team.tell(1, "go");
  for (int i = 0; i < kMessages; ++i) {
    node.submit([&] { return fi_trecv(node.ep(), &number, sizeof(number), nullptr, FI_ADDR_UNSPEC, 2, 0, nullptr); });
    node.await_receive();
    REQUIRE_EQ(number, i);
  }
}

}  // namespace anchor::fabtests
