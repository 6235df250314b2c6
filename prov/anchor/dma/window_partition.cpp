// SPDX-License-Identifier: BSD-2-Clause
#include "dma/window_partition.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "dma/checked_memory.h"
#include "dma/retrieval.h"
#include "dma/simulated_memory.h"
#include "os/log.h"
#include "os/process_fd.h"

namespace anchor {
namespace {

int refuse(const WindowPlace& place, const char* what, int error) noexcept {
  ANCHOR_WARN(kDomain, "window %s: %s: %s", place.path.c_str(), what, std::strerror(-error));
  return error;
}

bool all_zero(const std::byte* from, std::size_t bytes) noexcept {
  return std::all_of(from, from + bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

}  // namespace

int WindowPartition::open(const WindowPlace& place, MemoryType memory) noexcept try {
  place_ = place;
  memory_ = memory == MemoryType::kSimulated ? MemoryType::kCoherent : memory;
  ProcessFd file;
  if (const int error = file.open(place.path.c_str(), O_RDWR | O_NOCTTY)) return refuse(place, "cannot open it", error);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return refuse(place, "cannot look at it", -errno);
  identity_ = identity_of(status);
  if (S_ISREG(status.st_mode) && static_cast<std::uint64_t>(status.st_size) < place.offset + place.size) {
    ANCHOR_WARN(kDomain, "window %s: it has %lld bytes, but the configuration speaks of %llu: the same on all hosts?",
                place.path.c_str(), static_cast<long long>(status.st_size),
                static_cast<unsigned long long>(place.offset + place.size));
    return -EINVAL;
  }
  auto lost = std::make_shared<LostFlag>(false);
  std::byte* address = nullptr;
  if (const int error = map_guarded(file.get(), place.offset, place.size, lost.get(), &address))
    return refuse(place, "cannot map it", error);
  whole_ = std::make_shared<const Mapping>(Mapping(address, place.size, std::move(lost)));
  return 0;
} catch (const std::bad_alloc&) {
  return -ENOMEM;
}

int WindowPartition::open(const WindowConfig& config, std::uint32_t number, const std::string& directory) noexcept try {
  if (const int error = open(config.partitions[number], config.memory)) return error;
  if (config.memory == MemoryType::kChecked) return check(number, config.host, directory);
  if (config.memory != MemoryType::kSimulated) return 0;
  auto simulated = std::make_shared<SimulatedMemory>();
  if (const int error = simulated->open(whole_, identity_, place_.offset, config.host, directory)) return error;
  memory_ = config.memory;
  whole_ = std::shared_ptr<const Mapping>(simulated, &simulated->cache());
  return 0;
} catch (const std::bad_alloc&) {
  return -ENOMEM;
}

int WindowPartition::check(std::uint32_t owner, std::uint32_t ours, const std::string& directory) {
  auto checked = std::make_shared<CheckedMemory>();
  if (const int error = checked->open(whole_, identity_, place_.offset, {owner, ours}, directory)) return error;
  whole_ = std::shared_ptr<const Mapping>(checked, &checked->mapping());
  checked_ = checked.get();
  return 0;
}

void WindowPartition::give_away(const std::byte* from, std::size_t bytes) const noexcept {
  if (checked_ != nullptr) checked_->give_away(from, bytes);
}

// fallocate(2) itself: posix_fallocate(3) writes to what does not know the call, and a device is not to be written to.
int WindowPartition::reserve() const noexcept {
  ProcessFd file;
  if (const int error = file.open(place_.path.c_str(), O_RDWR | O_NOCTTY)) return error;
  int result;
  do {
    result = ::fallocate(file.get(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(place_.offset),
                         static_cast<off_t>(place_.size));
  } while (result != 0 && errno == EINTR);
  if (result == 0 || (errno != ENOSPC && errno != EFBIG)) return 0;
  return refuse(place_, "its file system has no room for our partition", -errno);
}

// What others wrote there last is brought here first: simulated memory takes a store of what was here already for none.
void WindowPartition::clear(std::uint64_t offset, std::size_t bytes) const noexcept {
  std::byte* first = base() + offset;
  give_away(first, bytes);
  refresh(first, bytes);
  std::memset(first, 0, bytes);
  push(first, bytes);
  give_away(first, bytes);
}

PartitionState WindowPartition::look(std::uint32_t host, std::uint32_t hosts, std::string* reason) const {
  const Retrieval setup;
  const PartitionHeader* header = partition_header(base());
  refresh(*header);
  const std::uint32_t version = header->version.load(std::memory_order_acquire);  // A14: the rest is there
  // With the magic alone its host is at it, or died at it.
  if (version == 0 && (header->magic == kWindowMagic || all_zero(base(), sizeof(PartitionHeader))))
    return PartitionState::kNew;
  const auto differs = [&](const char* what, std::uint64_t there, std::uint64_t here) {
    if (there == here) return false;
    *reason = place_.path + ", partition " + std::to_string(host) + ": its " + what + " is " + std::to_string(there) +
              ", ours " + std::to_string(here);
    return true;
  };
  if (header->magic != kWindowMagic) {
    *reason = place_.path + ", partition " + std::to_string(host) + ": something that is no window lies there";
    return PartitionState::kInvalid;
  }
  const bool wrong = differs("version", version, kWindowVersion) ||
                     differs("header length", header->length, sizeof(PartitionHeader)) ||
                     differs("number of hosts", header->hosts, hosts) || differs("size", header->size, place_.size) ||
                     differs("host number", header->host, host);
  return wrong ? PartitionState::kDisagreeing : PartitionState::kValid;
}

}  // namespace anchor
