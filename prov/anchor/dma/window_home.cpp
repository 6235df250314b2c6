// SPDX-License-Identifier: BSD-2-Clause
#include "dma/window_home.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <new>

#include "os/file_lock.h"
#include "os/log.h"
#include "os/random_identity.h"

namespace anchor {
namespace {

constexpr std::uint64_t kHomeLayout = 0x31454d4f48ull << 16 | kWindowVersion;  // "HOME1" in memory order, above it
constexpr std::uint64_t kSetupByte = std::uint64_t{1} << 40;
constexpr std::uint64_t kDoorbellByte = kSetupByte + 1;
constexpr std::uint64_t kFirstRowByte = kSetupByte + (1u << 20);
constexpr std::uint64_t kFirstSlotByte = kSetupByte + (2u << 20);
constexpr std::uint64_t kFirstContactByte = kSetupByte + (std::uint64_t{1} << 32);
constexpr unsigned kMostContacts = 64;
constexpr int kOpenFlags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
constexpr mode_t kOwnerOnly = 0600;

// Somebody who was stopped in the middle of it is not waited for: what may happen then is no worse than a name twice.
constexpr int kTurnAttempts = 5000;
constexpr timespec kPause{0, 1'000'000};

std::size_t file_size(std::uint64_t pages) noexcept {
  return round_up(sizeof(HomeFile) + pages * sizeof(PageOwner), kPageSize);
}

// Another value on each machine, in each boot, and for each file of ours.
std::uint64_t machine_number(const FileIdentity& file) noexcept {
  char boot[64] = {};
  const int fd = ::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    if (::read(fd, boot, sizeof boot) < 0) boot[0] = '\0';
    ::close(fd);
  }
  std::uint64_t hash = 14695981039346656037u;
  const auto mix = [&hash](const void* bytes, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      hash = (hash ^ static_cast<const unsigned char*>(bytes)[i]) * 1099511628211u;
  };
  mix(boot, sizeof boot);
  mix(&file.device, sizeof file.device);
  mix(&file.inode, sizeof file.inode);
  return hash;
}

}  // namespace

WindowHome::Turn::Turn(WindowHome& home) noexcept : home_(home) {
  home_.turns_.lock();
  for (int i = 0; try_lock_byte(home_.locks_.get(), kSetupByte) == -EAGAIN && i < kTurnAttempts; ++i)
    ::nanosleep(&kPause, nullptr);
}

WindowHome::Turn::~Turn() {
  unlock_byte(home_.locks_.get(), kSetupByte);
  home_.turns_.unlock();
}

int WindowHome::open_file(ProcessFd* file) const noexcept {
  const int error = file->open(path_.c_str(), kOpenFlags, kOwnerOnly);
  struct stat status {};
  if (error == 0 && ::fstat(file->get(), &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == ::geteuid())
    return 0;
  file->reset();
  if (error == -EMFILE || error == -ENFILE) return -EAGAIN;
  ANCHOR_WARN(kDomain, "cannot use %s: %s", path_.c_str(), std::strerror(error != 0 ? -error : EACCES));
  return error != 0 ? error : -EACCES;
}

int WindowHome::open(const WindowConfig& config, const WindowPartition& own, const std::string& directory) noexcept
    try {
  char name[128];
  std::snprintf(name, sizeof name, "/anchor-window-%u-%" PRIx64 "-%" PRIx64 "-%" PRIx64 "-%u", ::geteuid(),
                static_cast<std::uint64_t>(own.identity().device), static_cast<std::uint64_t>(own.identity().inode),
                own.place().offset, config.host);
  path_ = directory + name;
  const std::uint64_t count = own.size() / kPageSize;
  if (const int error = open_file(&locks_)) return error;
  const Turn turn(*this);
  if (const int error = set_up(locks_.get(), count)) return error;
  auto* owners = reinterpret_cast<PageOwner*>(mapping_.data() + sizeof(HomeFile));
  pages_.open(owners, data_offset(config.partitions.size()) / kPageSize, count);
  return users_.open(file_->rows, locks_, kFirstRowByte);
} catch (const std::bad_alloc&) {
  return -ENOMEM;
}

int WindowHome::set_up(int fd, std::uint64_t pages) noexcept {
  const std::size_t size = file_size(pages);
  struct stat status {};
  if (::fstat(fd, &status) != 0) return -errno;
  if (const int error = reserve_file(fd, 0, size)) {
    ANCHOR_WARN(kDomain, "cannot reserve %zu bytes for %s: %s", size, path_.c_str(), std::strerror(-error));
    return error;
  }
  auto lost = std::make_shared<LostFlag>(false);
  std::byte* address = nullptr;
  if (const int error = map_guarded(fd, 0, size, lost.get(), &address)) return error;
  mapping_ = Mapping(address, size, std::move(lost));
  file_ = reinterpret_cast<HomeFile*>(address);
  const std::uint64_t layout = file_->layout.load(std::memory_order_acquire);
  if (layout == kHomeLayout && file_->pages == pages) return 0;
  if (layout != 0) {
    ANCHOR_WARN(kDomain,
                "%s is of another version or size of the window (%" PRIu64 " pages in a partition, %" PRIu64
                " by the configuration): if the configuration is right, end all its users, then remove it",
                path_.c_str(), static_cast<std::uint64_t>(file_->pages), pages);
    return -EPROTO;
  }
  file_->pages = pages;
  file_->generation.store(random_identity(), std::memory_order_relaxed);
  file_->machine.store(machine_number(identity_of(status)), std::memory_order_relaxed);
  file_->layout.store(kHomeLayout, std::memory_order_release);
  return 0;
}

int WindowHome::take_slot_in(std::uint32_t first, std::uint32_t end, ProcessFd* lock, std::uint32_t* slot) noexcept {
  if (const int error = open_file(lock)) return error;
  for (std::uint32_t i = first; i < end; ++i) {
    if (file_->slots[i].state.load(std::memory_order_relaxed) != SlotState::kFree) continue;
    if (try_lock_byte(lock->get(), kFirstSlotByte + i) != 0) continue;
    if (file_->slots[i].state.load(std::memory_order_acquire) == SlotState::kFree) {
      file_->slots[i].state.store(SlotState::kTaken, std::memory_order_release);
      *slot = i;
      return 0;
    }
    unlock_byte(lock->get(), kFirstSlotByte + i);
  }
  lock->reset();
  return -ENOSPC;
}

void WindowHome::give_back(std::uint32_t slot) noexcept {
  pages_.release_all_of(slot);
  file_->slots[slot].state.store(SlotState::kFree, std::memory_order_release);
}

void WindowHome::bury(std::uint32_t slot, const std::uint64_t (&beats)[kMaxWindowHosts]) noexcept {
  for (std::uint32_t host = 0; host < kMaxWindowHosts; ++host)
    file_->slots[slot].beats[host].store(beats[host], std::memory_order_relaxed);
  file_->slots[slot].state.store(SlotState::kDead, std::memory_order_release);
}

bool WindowHome::lives(std::uint32_t slot) const noexcept {
  return file_->slots[slot].state.load(std::memory_order_acquire) == SlotState::kTaken &&
         byte_locked(locks_.get(), kFirstSlotByte + slot) != 0;
}

// Whoever changes a slot's state holds its byte, so nobody frees what has just been taken again.
void WindowHome::look_after(const std::function<void(std::uint32_t)>& died,
                            const std::function<bool(std::uint32_t)>& forgotten) noexcept {
  const std::lock_guard guard(tending_);
  for (std::uint32_t slot = 0; slot < kOwningSlots; ++slot) {
    std::atomic<SlotState>& state = file_->slots[slot].state;
    if (state.load(std::memory_order_relaxed) == SlotState::kFree) continue;
    if (try_lock_byte(locks_.get(), kFirstSlotByte + slot) != 0) continue;
    if (state.load(std::memory_order_acquire) == SlotState::kTaken) died(slot);
    if (state.load(std::memory_order_acquire) == SlotState::kDead && forgotten(slot)) {
      pages_.release_all_of(slot);
      state.store(SlotState::kFree, std::memory_order_release);
    }
    unlock_byte(locks_.get(), kFirstSlotByte + slot);
  }
}

int WindowHome::take_byte(ProcessFd* lock, std::uint64_t byte) const noexcept {
  if (const int error = open_file(lock)) return error;
  const int error = try_lock_byte(lock->get(), byte);
  if (error != 0) lock->reset();
  return error == -EAGAIN ? -EBUSY : error;
}

int WindowHome::take_doorbell(ProcessFd* lock) const noexcept { return take_byte(lock, kDoorbellByte); }

std::string doorbell_path(const WindowHome& home) { return home.path() + "-doorbell"; }

std::uint64_t WindowHome::doorbell() noexcept {
  // Relaxed: a word that is late costs a look that comes late.
  std::uint64_t word = file_->doorbell.load(std::memory_order_relaxed);
  if (word != 0 && byte_locked(locks_.get(), kDoorbellByte) == 0) word = 0;
  return users_.all_ring() ? word | DoorbellWord::kAllRing : word;
}

int WindowHome::claim_contact(ProcessFd* lock, std::uint32_t host, std::uint32_t slot, unsigned index) const noexcept {
  if (index >= kMostContacts) return -EBUSY;
  return take_byte(lock, kFirstContactByte + (std::uint64_t{host} * kWindowSlots + slot) * kMostContacts + index);
}

}  // namespace anchor
