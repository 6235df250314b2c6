// SPDX-License-Identifier: BSD-2-Clause
//
// What the machine itself can do, with no library in between: the limits that providers are compared with.
#include "raw_limits.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>

#include "connection.h"

namespace anchor::bench {
namespace {

constexpr std::size_t kSmallest = 64;
constexpr std::size_t kSmallestCall = 8;
constexpr std::size_t kLargest = 8 << 20;
constexpr std::uint64_t kExchanges = 40000;
constexpr std::uint64_t kLap = 8;  // exchanges between two time stamps
constexpr std::size_t kPage = 4096;

// Each word is alone on its pair of lines and has one writer.
struct Lines {
  alignas(128) std::atomic<std::uint64_t> leader{0};
  alignas(128) std::atomic<std::uint64_t> peer{0};
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

void wait_for(const std::atomic<std::uint64_t>& word, std::uint64_t value) {
  while (word.load(std::memory_order_acquire) != value) relax();
}

struct RemoteBuffer {
  std::uint64_t process;
  std::uint64_t address;
};

RemoteBuffer exchange_buffers(Link& link, const MessageBuffer& buffer) {
  link.put_number(static_cast<std::uint64_t>(getpid()));
  link.put_number(reinterpret_cast<std::uint64_t>(buffer.first(1).data()));
  const std::uint64_t process = link.get_number();
  return {.process = process, .address = link.get_number()};
}

using CrossCopy = ssize_t (*)(pid_t, const iovec*, unsigned long, const iovec*, unsigned long, unsigned long);

void cross_copy(CrossCopy call, const RemoteBuffer& remote, std::size_t offset, Bytes local) {
  const iovec here{.iov_base = local.data(), .iov_len = local.size()};
  const iovec there{.iov_base = reinterpret_cast<void*>(remote.address + offset), .iov_len = local.size()};
  const ssize_t copied = call(static_cast<pid_t>(remote.process), &here, 1, &there, 1, 0);
  if (copied != static_cast<ssize_t>(local.size())) throw std::runtime_error("cross-memory attach is refused here");
}

void report_transfer(Scene& scene, std::size_t size, const Percentiles& nanoseconds, double copies) {
  const double bytes = static_cast<double>(size);
  scene.report.percentiles("bytes_per_s", size, per_second(nanoseconds, bytes * copies));
}

// The peer's half of a copy by both: writes the second half of its buffer into the leader's.
void write_halves(Lines& lines, std::size_t size, const RemoteBuffer& leader, const MessageBuffer& source) {
  for (std::uint64_t i = 1;; ++i) {
    std::uint64_t turn;
    while ((turn = lines.leader.load(std::memory_order_acquire)) != i)
      if (turn == ~std::uint64_t{0}) return;
    cross_copy(process_vm_writev, leader, size / 2, source.first(size).subspan(size / 2));
    lines.peer.store(i, std::memory_order_release);
  }
}

}  // namespace

SharedMapping::SharedMapping(Scene& scene, std::size_t size) : size_(size) {
  int fd = -1;
  if (scene.is_leader()) {
    fd = memfd_create("anchor_bench", MFD_CLOEXEC);
    if (fd >= 0 && ftruncate(fd, static_cast<off_t>(size)) != 0) throw std::runtime_error("ftruncate failed");
    scene.link.put_number(static_cast<std::uint64_t>(getpid()));
    scene.link.put_number(static_cast<std::uint64_t>(fd));
    scene.link.get_number();
  } else {
    const std::string process = std::to_string(scene.link.get_number());
    const std::string path = "/proc/" + process + "/fd/" + std::to_string(scene.link.get_number());
    fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
    scene.link.put_number(0);
  }
  data_ = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (data_ == MAP_FAILED) throw std::runtime_error("shared memory cannot be mapped");
}

void measure_line_exchange(Scene& scene) {
  const SharedMapping mapping(scene, kPage);
  Lines& lines = *static_cast<Lines*>(mapping.data());
  scene.link.meet([] {});
  std::uint64_t turn = 0;
  if (!scene.is_leader()) {
    for (turn = 1; turn <= kExchanges; ++turn) {
      wait_for(lines.leader, turn);
      lines.peer.store(turn, std::memory_order_release);
    }
    return;
  }
  Stopwatch stopwatch(kExchanges / kLap);
  stopwatch.start();
  for (turn = 1; turn <= kExchanges; ++turn) {
    lines.leader.store(turn, std::memory_order_release);
    wait_for(lines.peer, turn);
    if (turn % kLap == 0) stopwatch.mark();
  }
  scene.report.percentiles("half_round_trip_ns", 8, stopwatch.nanoseconds(2 * kLap));
}

void measure_memory_copy(Scene& scene) {
  if (!scene.is_leader()) return;
  const MessageBuffer source(kLargest), destination(kLargest);
  for (const std::size_t size : sizes_between(scene.options, kSmallest, kLargest)) {
    const std::size_t copies = std::max<std::size_t>(1, 65536 / size);
    const Percentiles time = repeat(scene.options, [&] {
      for (std::size_t i = 0; i < copies; ++i) {
        std::memcpy(destination.first(size).data(), source.first(size).data(), size);
        asm volatile("" ::: "memory");
      }
    });
    report_transfer(scene, size, time, static_cast<double>(copies));
  }
}

namespace {

// By the leader alone, while the peer sleeps.
void measure_calls(Scene& scene, CrossCopy call) {
  const MessageBuffer buffer(kLargest);
  const RemoteBuffer remote = exchange_buffers(scene.link, buffer);
  if (scene.is_leader()) {
    for (const std::size_t size : sizes_between(scene.options, kSmallestCall, kLargest)) {
      const Percentiles time = repeat(scene.options, [&] { cross_copy(call, remote, 0, buffer.first(size)); });
      scene.report.percentiles("transfer_ns", size, time);
      if (size >= kSmallest) report_transfer(scene, size, time, 1);
    }
    scene.link.put_number(0);
  } else {
    scene.link.get_number();
  }
}

}  // namespace

void measure_cross_attach(Scene& scene) { measure_calls(scene, process_vm_readv); }
void measure_cross_attach_write(Scene& scene) { measure_calls(scene, process_vm_writev); }

void measure_shared_copy(Scene& scene) {
  const MessageBuffer buffer(kLargest);
  const RemoteBuffer remote = exchange_buffers(scene.link, buffer);
  for (const std::size_t size : sizes_between(scene.options, kPage, kLargest)) {
    const SharedMapping mapping(scene, kPage);
    Lines& lines = *static_cast<Lines*>(mapping.data());
    scene.link.meet([] {});
    if (!scene.is_leader()) {
      write_halves(lines, size, remote, buffer);
      continue;
    }
    std::uint64_t turn = 0;
    const Percentiles time = repeat(scene.options, [&] {
      lines.leader.store(++turn, std::memory_order_release);
      cross_copy(process_vm_readv, remote, 0, buffer.first(size / 2));
      wait_for(lines.peer, turn);
    });
    lines.leader.store(~std::uint64_t{0}, std::memory_order_release);
    scene.report.percentiles("transfer_ns", size, time);
    report_transfer(scene, size, time, 1);
  }
}

}  // namespace anchor::bench
