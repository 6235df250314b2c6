// SPDX-License-Identifier: BSD-2-Clause
#include "near_device.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <vector>

#include "fifo/fifo_layout.h"
#include "os/cacheline.h"

namespace anchor::stress {

struct NearMemory {
  static constexpr std::size_t kSize = std::size_t{8} << 20;

  NearMemory()
      : base(static_cast<std::byte*>(
            mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {}
  ~NearMemory() { munmap(base, kSize); }

  std::byte* const base;
  LostFlag lost{false};
  std::atomic<bool> alive{true};
  std::atomic<std::size_t> used{0};
  std::array<std::atomic<bool>, kContactEntries> claimed{};
};

namespace {

class NearLocal final : public LocalRegion {
 public:
  NearLocal(NearDevice& device, const EndpointName& name, std::size_t header_size)
      : device_(device), name_(name.view()), memory_(std::make_shared<NearMemory>()) {
    memory_->used = header_size;
  }
  ~NearLocal() override {
    device_.withdraw(name_, memory_.get());
    memory_->alive = false;
  }

  std::byte* header() noexcept override { return memory_->base; }
  int publish() noexcept override { return device_.publish(name_, memory_) ? 0 : -EADDRINUSE; }

  int allocate(std::size_t bytes, std::uint64_t* offset, std::byte** address) noexcept override {
    const std::lock_guard guard(space_);
    const auto found = std::find_if(released_.begin(), released_.end(),
                                    [bytes](const Released& block) { return block.bytes == bytes; });
    if (found != released_.end()) {
      *offset = found->offset;
      released_.erase(found);
    } else {
      if (bytes > NearMemory::kSize - memory_->used) return -ENOSPC;
      *offset = memory_->used.fetch_add(bytes);
    }
    *address = memory_->base + *offset;
    std::memset(*address, 0, bytes);
    return 0;
  }
  void release(std::uint64_t offset, std::size_t bytes) noexcept override {
    const std::lock_guard guard(space_);
    released_.push_back({offset, bytes});
  }

 private:
  struct Released {
    std::uint64_t offset;
    std::size_t bytes;
  };

  NearDevice& device_;
  const std::string name_;
  const std::shared_ptr<NearMemory> memory_;
  std::mutex space_;
  std::vector<Released> released_;
};

class NearRemote final : public RemoteRegion {
 public:
  explicit NearRemote(std::shared_ptr<NearMemory> memory) : memory_(std::move(memory)) {}
  ~NearRemote() override { release_contact(); }

  // The flag shares the memory's life. No guarded mapping begins here, so unmapping does nothing else.
  int map(std::uint64_t offset, std::size_t bytes, Mapping* mapping) noexcept override {
    if (offset > memory_->used || bytes > memory_->used - offset) return -EPROTO;
    *mapping = Mapping(memory_->base + offset, bytes, std::shared_ptr<LostFlag>(memory_, &memory_->lost));
    return 0;
  }
  bool alive() noexcept override { return memory_->alive; }
  bool of_this_process() const noexcept override { return true; }

  int claim_contact(unsigned index) noexcept override {
    if (memory_->claimed[index].exchange(true)) return -EAGAIN;
    contact_ = &memory_->claimed[index];
    return 0;
  }
  void release_contact() noexcept override {
    if (contact_ != nullptr) *contact_ = false;
    contact_ = nullptr;
  }

 private:
  const std::shared_ptr<NearMemory> memory_;
  std::atomic<bool>* contact_ = nullptr;
};

}  // namespace

NearDevice::NearDevice() = default;
NearDevice::~NearDevice() = default;

int NearDevice::create(const EndpointName& name, std::size_t header_size,
                       std::unique_ptr<LocalRegion>* region) noexcept {
  *region = std::make_unique<NearLocal>(*this, name, header_size);
  return 0;
}

int NearDevice::attach(const EndpointName& name, std::unique_ptr<RemoteRegion>* region) noexcept {
  const std::lock_guard guard(mutex_);
  const auto found = published_.find(std::string(name.view()));
  if (found == published_.end()) return -ENOENT;
  *region = std::make_unique<NearRemote>(found->second);
  return 0;
}

int NearDevice::open_direct_copy(const DirectCopyOffer& offer, std::unique_ptr<DirectCopy>* direct) noexcept {
  return shm_.open_direct_copy(offer, direct);
}

bool NearDevice::publish(const std::string& name, std::shared_ptr<NearMemory> memory) {
  const std::lock_guard guard(mutex_);
  return published_.emplace(name, std::move(memory)).second;
}

void NearDevice::withdraw(const std::string& name, const NearMemory* memory) {
  const std::lock_guard guard(mutex_);
  const auto found = published_.find(name);
  if (found != published_.end() && found->second.get() == memory) published_.erase(found);
}

}  // namespace anchor::stress
