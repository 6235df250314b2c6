// SPDX-License-Identifier: BSD-2-Clause
// A reader that polls costs its writer no system call: the writer has the kernel kill it at the first one.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/registry.h"
#include "sleeper.h"

namespace anchor::fabtests {

namespace {

constexpr int kMessages = 5000;

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

// Connected before, by a message and its answer. Does not return: leaves by the bare call, as AddressSanitizer makes
// calls of its own before a function that it knows not to return.
void write_without_system_calls(Team& team) {
  const OpenDomain open = OpenDomain::usual();
  Sleeper writer(open);
  const fi_addr_t reader = insert_address(writer.av.get(), team.hear(0));
  team.tell(0, name_of(writer.ep.get()));
  char in;
  writer.receive(&in, 1);
  REQUIRE_OK(fi_tinject(writer.ep.get(), "x", 1, reader, 1));
  writer.await(1);
  team.hear(0);
  allow_exit_only();
  for (int i = 0; i < kMessages; ++i)
    while (fi_tinject(writer.ep.get(), &i, sizeof(i), reader, 2) != 0) {
    }
  syscall(SYS_exit_group, 0);
}

}  // namespace

TEST(polling_reader_costs_no_system_call, .ranks = 2, .mortal = 1u << 1, .anchor_only = true,
     .environment = {"FI_ANCHOR_LIVENESS_INTERVAL=60000"}) {
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
