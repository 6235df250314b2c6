// SPDX-License-Identifier: BSD-2-Clause
// A completion queue that several threads share: some fill it the way that arrivals do, by the short way where the
// queue offers it, one reads, and one goes to sleep on it again and again.
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "core/completion_queue.h"
#include "os/wait_fd.h"
#include "verdicts.h"

namespace anchor::stress {
namespace {

constexpr std::uint64_t kWriters = 2;
constexpr std::uint64_t kEntries = 20'000;  // of each
constexpr std::size_t kCapacity = 64;

void fill(CompletionQueue& queue, std::uint64_t writer) {
  for (std::uint64_t i = 0; i < kEntries; ++i) {
    while (queue.full()) std::this_thread::yield();
    const Completion entry{
        .context = nullptr, .flags = 0, .length = 0, .buffer = nullptr, .data = i, .tag = writer, .source = 0};
    if (queue.takes_at_once()) {
      queue.push_at_once(entry);
    } else {
      queue.push(entry);
    }
  }
}

void sleep_and_wake(CompletionQueue& queue, const std::atomic<bool>& over) {
  WaitFd wake;
  expect(wake.open() == 0, "a descriptor to sleep on");
  while (!over.load(std::memory_order_relaxed)) {
    wake.clear();
    queue.arm(wake);
    std::this_thread::yield();
    queue.disarm();
  }
}

void fill_read_and_sleep() {
  CompletionQueue queue(kCapacity, true);
  std::atomic<bool> over{false};
  std::vector<std::thread> threads;
  for (std::uint64_t writer = 0; writer < kWriters; ++writer)
    threads.emplace_back([&, writer] { fill(queue, writer); });
  threads.emplace_back([&] { sleep_and_wake(queue, over); });

  std::uint64_t next[kWriters] = {};
  std::uint64_t read = 0;
  const Deadline deadline(100);
  while (read < kWriters * kEntries && expect(!deadline.expired(), "all entries come", static_cast<long long>(read))) {
    const std::ptrdiff_t got = queue.read(kCapacity, [&](const Completion& entry, std::size_t) {
      expect(entry.data == next[entry.tag]++, "each writer's entries come in order",
             static_cast<long long>(entry.data));
    });
    if (got > 0) read += static_cast<std::uint64_t>(got);
  }
  over = true;
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace anchor::stress

int main() {
  anchor::stress::Verdicts verdicts;
  verdicts.run("a shared queue is filled, read and slept on", anchor::stress::fill_read_and_sleep);
  return verdicts.finish();
}
