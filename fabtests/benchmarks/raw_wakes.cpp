// SPDX-License-Identifier: BSD-2-Clause
//
// Two processes that sleep in turn, each woken by the other, with no library in between: through a pair of pipes, a
// pair of eventfds, or futexes in shared memory.
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <climits>

#include "raw_limits.h"

namespace anchor::bench {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kSize = 8;

struct Words {
  alignas(128) std::atomic<std::uint32_t> leader{0};
  alignas(128) std::atomic<std::uint32_t> peer{0};
  alignas(128) std::atomic<std::uint64_t> last{0};
};

// A side reads from its own and writes to the other's.
struct Ends {
  int own;
  int others;
};

int taken_from(std::uint64_t process, std::uint64_t fd) {
  const auto handle = static_cast<int>(syscall(SYS_pidfd_open, process, 0));
  const auto taken = static_cast<int>(syscall(SYS_pidfd_getfd, handle, fd, 0));
  close(handle);
  if (taken < 0) throw std::runtime_error("descriptors of the other process are out of reach here");
  return taken;
}

// `to_own`: what the other side is to write to.
Ends exchange(Link& link, int own, int to_own) {
  link.put_number(static_cast<std::uint64_t>(getpid()));
  link.put_number(static_cast<std::uint64_t>(to_own));
  const std::uint64_t process = link.get_number();
  const std::uint64_t fd = link.get_number();
  const Ends ends{.own = own, .others = taken_from(process, fd)};
  link.meet([] {});
  return ends;
}

// Repeats round trips for as long as a point lasts; `number` is the turn, from 1. The leader's last wake is answered,
// and tells the peer in `last` that it was the last.
template <class Wake, class Sleep>
void play(Scene& scene, std::atomic<std::uint64_t>& last, Wake wake, Sleep sleep) {
  scene.link.meet([] {});
  if (scene.is_leader()) {
    const auto round_trip = [&] {
      wake();
      sleep();
    };
    const Percentiles whole = repeat(scene.options, round_trip);
    last.store(1, std::memory_order_seq_cst);
    round_trip();
    scene.report.percentiles("half_round_trip_ns", kSize, half_of(whole));
    return;
  }
  for (bool ends = false; !ends;) {
    sleep();
    ends = last.load(std::memory_order_seq_cst) != 0;
    wake();
  }
}

// A read of a descriptor sleeps, a write to the other's wakes.
void play_with(Scene& scene, const Ends& ends) {
  const SharedMapping mapping(scene, kPage);
  auto& last = *static_cast<std::atomic<std::uint64_t>*>(mapping.data());
  std::uint64_t one = 1;
  const auto check = [](ssize_t moved) {
    if (moved != static_cast<ssize_t>(kSize)) throw std::runtime_error("a wake-up failed");
  };
  play(
      scene, last, [&] { check(write(ends.others, &one, kSize)); }, [&] { check(read(ends.own, &one, kSize)); });
  close(ends.own);
  close(ends.others);
}

}  // namespace

void measure_pipe_wake(Scene& scene) {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  play_with(scene, exchange(scene.link, fds[0], fds[1]));
  close(fds[1]);
}

void measure_event_wake(Scene& scene) {
  const int event = eventfd(0, EFD_CLOEXEC);
  if (event < 0) throw std::runtime_error("no eventfd");
  play_with(scene, exchange(scene.link, event, event));
}

void measure_futex_wake(Scene& scene) {
  const SharedMapping mapping(scene, kPage);
  auto& words = *static_cast<Words*>(mapping.data());
  std::atomic<std::uint32_t>& own = scene.is_leader() ? words.leader : words.peer;
  std::atomic<std::uint32_t>& others = scene.is_leader() ? words.peer : words.leader;
  std::uint32_t seen = 0;
  const auto wake = [&] {
    others.fetch_add(1, std::memory_order_seq_cst);
    syscall(SYS_futex, &others, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
  };
  const auto sleep = [&] {
    while (own.load(std::memory_order_seq_cst) == seen) syscall(SYS_futex, &own, FUTEX_WAIT, seen, nullptr, nullptr, 0);
    ++seen;
  };
  play(scene, words.last, wake, sleep);
}

}  // namespace anchor::bench
