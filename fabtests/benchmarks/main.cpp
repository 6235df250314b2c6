// SPDX-License-Identifier: BSD-2-Clause
//
// anchor_bench: measures one libfabric provider, or the raw limits of the machine, between two processes
// pinned to a core each. It uses public libfabric calls only and runs with whatever libfabric it finds, from
// 1.17 on. Every test gets two fresh processes; results are JSON lines on standard output.
#include <rdma/fabric.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>

#include "test.h"

namespace anchor::bench {
namespace {

constexpr Test kTests[] = {
    {"tagged_latency", measure_tagged_latency},
    {"untagged_latency", measure_untagged_latency},
    {"message_rate", measure_message_rate},
    {"bandwidth", measure_bandwidth},
    {"posted_matching", measure_posted_matching},
    {"unexpected_matching", measure_unexpected_matching},
    {"idle_peers", measure_idle_peers},
    {"memory", measure_memory},
    {"write_latency", measure_write_latency},
    {"mapped_write_latency", measure_mapped_write_latency},
    {"read_latency", measure_read_latency},
    {"mapped_read_latency", measure_mapped_read_latency},
    {"swap_latency", measure_swap_latency},
    {"mapped_swap_latency", measure_mapped_swap_latency},
    {"write_rate", measure_write_rate},
    {"mapped_write_rate", measure_mapped_write_rate},
    {"fetch_add_rate", measure_fetch_add_rate},
    {"mapped_fetch_add_rate", measure_mapped_fetch_add_rate},
    {"write_bandwidth", measure_write_bandwidth},
    {"mapped_write_bandwidth", measure_mapped_write_bandwidth},
    {"read_bandwidth", measure_read_bandwidth},
    {"mapped_read_bandwidth", measure_mapped_read_bandwidth},
    {"line_exchange", measure_line_exchange},
    {"bare_messages", measure_bare_messages},
    {"memory_copy", measure_memory_copy},
    {"cross_attach", measure_cross_attach},
    {"cross_attach_write", measure_cross_attach_write},
    {"shared_copy", measure_shared_copy},
    {"buffer_exchange", measure_buffer_exchange},
    {"blocking_latency", measure_blocking_latency},
    {"descriptor_latency", measure_descriptor_latency},
    {"adaptive_latency", measure_adaptive_latency},
    {"delayed_answers", measure_delayed_answers},
    {"pipe_wake", measure_pipe_wake},
    {"event_wake", measure_event_wake},
    {"futex_wake", measure_futex_wake},
};

const Test& test_named(const std::string& name) {
  for (const Test& test : kTests)
    if (name == test.name) return test;
  throw std::runtime_error("no such test: " + name);
}

void join_window(const Options& options, Role role) {
  if (options.hosts.empty()) return;
  setenv("FI_ANCHOR_DEVICES", "window", 1);
  setenv("FI_ANCHOR_WINDOW", options.hosts[role == Role::kPeer].c_str(), 1);
}

int run_role(const Test& test, const Options& options, Role role, Link& link) {
  Scene scene{.options = options, .role = role, .link = link, .report = Report(test.name)};
  try {
    join_window(options, role);
    if (!pin_to_core(options.cores[role == Role::kPeer])) std::fprintf(stderr, "anchor_bench: not pinned\n");
    test.body(scene);
    return 0;
  } catch (const std::exception& error) {
    scene.report.error(error.what());
    return 1;
  }
}

std::string describe(int status) {
  if (WIFEXITED(status)) return {};  // it has told its error itself
  return WTERMSIG(status) == SIGALRM ? "timed out" : std::string("killed: ") + strsignal(WTERMSIG(status));
}

// Waits for both, and for what a killed one leaves behind. The first that fails takes the other along and is the
// one reported.
bool wait_for(const Test& test, pid_t leader, pid_t peer) {
  bool good = true;
  int status = 0;
  for (pid_t ended; (ended = waitpid(-1, &status, 0)) > 0;) {
    const bool is_orphan = ended != leader && ended != peer;
    if (status == 0 || !good || is_orphan) continue;
    good = false;
    if (const std::string message = describe(status); !message.empty()) Report(test.name).error(message);
    kill(ended == leader ? peer : leader, SIGKILL);
  }
  return good;
}

bool run_test(const Test& test, const Options& options) {
  std::pair<Link, Link> ends = Link::make_pair();
  const pid_t leader = fork_child(options.seconds, [&] {
    ends.second.close();
    return run_role(test, options, Role::kLeader, ends.first);
  });
  const pid_t peer = fork_child(options.seconds, [&] {
    ends.first.close();
    return run_role(test, options, Role::kPeer, ends.second);
  });
  ends.first.close();
  ends.second.close();
  return wait_for(test, leader, peer);
}

void allow_many_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int run(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--version") == 0) {
    std::printf("%u.%u\n", FI_MAJOR(fi_version()), FI_MINOR(fi_version()));
    return 0;
  }
  const Options options = parse_options(argc, argv);
  allow_many_files();
  prctl(PR_SET_CHILD_SUBREAPER, 1);  // a killed leader's children come to us to be waited for
  bool good = true;
  for (const std::string& name : options.tests) good &= run_test(test_named(name), options);
  return good ? 0 : 1;
}

}  // namespace

std::span<const Test> all_tests() { return kTests; }

}  // namespace anchor::bench

int main(int argc, char** argv) {
  try {
    return anchor::bench::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "anchor_bench: %s\n", error.what());
    return 2;
  }
}
