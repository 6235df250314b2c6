// SPDX-License-Identifier: BSD-2-Clause
// Opening a window, and making our partition ours: with the first process of a boot it begins anew.
#include <cerrno>
#include <chrono>
#include <ctime>
#include <new>

#include "dma/window.h"
#include "os/log.h"

namespace anchor {
namespace {

constexpr timespec kPause{0, 10'000'000};

std::uint64_t milliseconds_of_time() noexcept {
  const auto time = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

}  // namespace

int Window::open(const WindowConfig& config, const std::string& directory) noexcept try {
  config_ = config;
  for (std::uint32_t host = 0; host < hosts(); ++host)
    if (const int error = partitions_[host].open(config_, host, directory)) return error;
  if (const int error = home_.open(config_, own(), directory)) return error;
  const WindowHome::Turn turn(home_);
  return prepare_own();
} catch (const std::bad_alloc&) {
  return -ENOMEM;
}

int Window::prepare_own() {
  std::string reason;
  // Before anything is written: it might be in the middle of somebody else's memory.
  for (std::uint32_t host = 0; host < hosts(); ++host) {
    if (host == config_.host || partition(host).look(host, hosts(), &reason) != PartitionState::kDisagreeing) continue;
    ANCHOR_WARN(kDomain, "%s: the configurations of host %u and of this one, %u, do not agree", reason.c_str(), host,
                config_.host);
    return -EPROTO;
  }
  switch (own().look(config_.host, hosts(), &reason)) {
    case PartitionState::kNew:
      return begin_anew();
    case PartitionState::kDisagreeing:
    case PartitionState::kInvalid:
      ANCHOR_WARN(kDomain, "%s; where the configurations of all hosts agree, anchor_window init makes it ours",
                  reason.c_str());
      return -EPROTO;
    default:
      return take_over();
  }
}

// Our partition as somebody left it: processes of this boot, an earlier boot, or another machine that takes itself for
// this host, too, and is at it.
int Window::take_over() noexcept {
  PartitionHeader* header = partition_header(own().base());
  const HomeFile& file = home_.shared();
  const auto is_ours = [&] {
    own().refresh(*header);
    return header->machine.load(std::memory_order_acquire) == file.machine.load(std::memory_order_relaxed) &&
           header->generation.load(std::memory_order_relaxed) == file.generation.load(std::memory_order_relaxed);
  };
  if (is_ours()) return 0;
  const std::uint64_t before = header->beat.load(std::memory_order_relaxed);
  // Meanwhile the others notice that our former boot is silent, if they have not yet, and stop writing.
  const TimePoint end = Clock::now() + config_.timeout;
  while (before != 0 && Clock::now() < end) {
    if (is_ours()) return 0;  // another process of this host has waited long enough
    if (header->beat.load(std::memory_order_relaxed) != before) {
      ANCHOR_WARN(kDomain, "%s: another machine uses the window as host %u: each needs a number of its own",
                  own().path().c_str(), config_.host);
      return -EADDRINUSE;
    }
    ::nanosleep(&kPause, nullptr);
  }
  return begin_anew();
}

int Window::begin_anew() noexcept {
  if (const int error = own().reserve()) return error;
  PartitionHeader* header = partition_header(own().base());
  header->version.store(0, std::memory_order_relaxed);
  own().push(*header);
  for (std::uint32_t slot = 0; slot < kWindowSlots; ++slot)
    directory_entry(own().base(), slot)->life.store(0, std::memory_order_release);
  own().push(own().base() + kDirectoryOffset, kWindowSlots * sizeof(DirectoryEntry));
  header->magic = kWindowMagic;
  header->length = sizeof(PartitionHeader);
  header->host = config_.host;
  header->hosts = hosts();
  header->size = own().size();
  header->beat.store(0, std::memory_order_relaxed);
  // Ahead of what an earlier boot has counted: there are fewer beats than milliseconds.
  home_.shared().beat.store(milliseconds_of_time(), std::memory_order_relaxed);
  header->generation.store(home_.shared().generation.load(std::memory_order_relaxed), std::memory_order_relaxed);
  header->machine.store(home_.shared().machine.load(std::memory_order_relaxed), std::memory_order_relaxed);
  own().push(*header);
  header->version.store(kWindowVersion, std::memory_order_release);  // R14, see WindowPartition::look()
  own().push(*header);
  return 0;
}

}  // namespace anchor
