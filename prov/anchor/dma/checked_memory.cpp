// SPDX-License-Identifier: BSD-2-Clause
#include "dma/checked_memory.h"

#include <execinfo.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "dma/retrieval.h"
#include "os/cacheline.h"
#include "os/log.h"
#include "os/process_fd.h"

namespace anchor {

template <class Act>
void CheckedMemory::for_each_line(const std::byte* from, std::size_t bytes, Act&& act) noexcept {
  const auto first = static_cast<std::size_t>(from - memory_->data()) / kCacheLine;
  const auto end = (static_cast<std::size_t>(from - memory_->data()) + bytes + kCacheLine - 1) / kCacheLine;
  for (std::size_t line = first; line < end; ++line) act(reinterpret_cast<LineOwner*>(owners_.data())[line]);
}

void CheckedMemory::give_away(const std::byte* from, std::size_t bytes) noexcept {
  for_each_line(from, bytes, [](LineOwner& owner) { owner.store(0, std::memory_order_release); });
}

// In a signal handler, but the process ends: what must not be called there may be called once.
void CheckedMemory::object(const std::byte* address, const char* what) const noexcept {
  char text[160];
  const int length =
      std::snprintf(text, sizeof text, "checked window: host %u %s, at %#zx of host %u's partition\n", hosts_.ours,
                    what, static_cast<std::size_t>(address - memory_->data()), hosts_.owner);
  static_cast<void>(!::write(STDERR_FILENO, text, static_cast<std::size_t>(length)));
  constexpr int kFrames = 24;
  void* frames[kFrames];
  ::backtrace_symbols_fd(frames, ::backtrace(frames, kFrames), STDERR_FILENO);
  std::signal(SIGABRT, SIG_DFL);
  std::abort();
}

void CheckedMemory::judge(const std::byte* address, std::size_t bytes, Access access) noexcept {
  const bool remote = hosts_.owner != hosts_.ours;
  if (access == Access::kLoad) {
    if (remote && !Retrieval::under_way()) object(address, "reads another host's memory");
    return;
  }
  if (access == Access::kAtomic && remote) object(address, "uses an atomic instruction on another host's memory");
  for_each_line(address, bytes, [&](LineOwner& owner) {
    const auto ours = static_cast<std::uint8_t>(hosts_.ours + 1);
    std::uint8_t found = 0;
    if (owner.compare_exchange_strong(found, ours, std::memory_order_acq_rel) || found == ours) return;
    object(address, "writes to a line of another host");
  });
}

int CheckedMemory::open(std::shared_ptr<const Mapping> memory, const FileIdentity& file, std::uint64_t offset,
                        const Hosts& hosts, const std::string& directory) noexcept try {
  memory_ = std::move(memory);
  hosts_ = hosts;
  char name[128];
  std::snprintf(name, sizeof name, "/anchor-window-checked-%u-%" PRIx64 "-%" PRIx64 "-%" PRIx64, ::geteuid(),
                static_cast<std::uint64_t>(file.device), static_cast<std::uint64_t>(file.inode), offset);
  const std::string path = directory + name;
  const std::size_t size = round_up(memory_->size() / kCacheLine, kPageSize);
  ProcessFd owners;
  auto lost = std::make_shared<LostFlag>(false);
  std::byte* address = nullptr;
  int error = owners.open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NOCTTY, 0600);
  if (error == 0) error = reserve_file(owners.get(), 0, size);
  if (error == 0) error = map_guarded(owners.get(), 0, size, lost.get(), &address);
  if (error == 0) {
    owners_ = Mapping(address, size, std::move(lost));
    const bool remote = hosts.owner != hosts.ours;
    error = trap_.open(memory_->data(), memory_->size(),
                       remote ? AccessTrap::Trapped::kAll : AccessTrap::Trapped::kStores, this);
  }
  if (error != 0) ANCHOR_WARN(kDomain, "cannot check the window with %s: %s", path.c_str(), std::strerror(-error));
  return error;
} catch (const std::bad_alloc&) {
  return -ENOMEM;
}

}  // namespace anchor
