// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>

#include "os/fork_gate.h"

using namespace anchor;

namespace {

// A thread that holds a lock whenever it is inside, which is nearly always.
struct Busy {
  Busy() : thread([this] { run(); }) {}
  ~Busy() {
    stops = true;
    thread.join();
  }
  void run() {
    gate.enter();
    while (!stops) {
      {
        const std::lock_guard guard(lock);
        ++turns;
      }
      gate.pause();
    }
    gate.leave();
  }

  ForkGate gate;
  std::mutex lock;
  std::atomic<bool> stops{false};
  std::atomic<unsigned> turns{0};
  std::thread thread;
};

int exit_code_of(pid_t child) {
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

Test(fork_gate, a_child_finds_no_lock_of_a_thread_inside) {
  Busy first, second;
  for (int i = 0; i < 200; ++i) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(first.lock.try_lock() && second.lock.try_lock() ? 0 : 1);
    cr_assert_eq(exit_code_of(child), 0);
  }
  const unsigned turns = first.turns;
  while (first.turns == turns) std::this_thread::yield();
}

Test(fork_gate, several_threads_may_fork) {
  Busy busy;
  const auto fork_often = [&] {
    for (int i = 0; i < 50; ++i) {
      const pid_t child = ::fork();
      if (child == 0) ::_exit(busy.lock.try_lock() ? 0 : 1);
      cr_assert_eq(exit_code_of(child), 0);
    }
  };
  std::thread other(fork_often);
  fork_often();
  other.join();
}

Test(fork_gate, a_child_may_destroy_it_and_use_others) {
  auto gate = std::make_unique<ForkGate>();
  const pid_t child = ::fork();
  if (child == 0) {
    gate.reset();
    ForkGate own;
    own.enter();
    own.pause();
    own.leave();
    ::_exit(0);
  }
  cr_assert_eq(exit_code_of(child), 0);
}
