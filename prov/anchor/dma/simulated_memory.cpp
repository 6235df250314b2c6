// SPDX-License-Identifier: BSD-2-Clause
#include "dma/simulated_memory.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <new>
#include <utility>

#include "os/cacheline.h"
#include "os/log.h"
#include "os/process_fd.h"

namespace anchor {
namespace {

constexpr int kOpenFlags = O_RDWR | O_NOFOLLOW | O_NOCTTY;
constexpr mode_t kOwnerOnly = 0600;
constexpr std::size_t kWords = kCacheLine / 8;

using Word = std::atomic<std::uint64_t>;

// A line of which the first word, that of most messages, is stored last and loaded first.
struct Line {
  std::uint64_t words[kWords];
  friend bool operator==(const Line&, const Line&) = default;
};

Word* words_at(std::byte* line) noexcept { return reinterpret_cast<Word*>(line); }

Line copy_of(std::byte* line) noexcept {
  Line copy;
  for (std::size_t i = 0; i < kWords; ++i) copy.words[i] = words_at(line)[i].load(std::memory_order_acquire);
  return copy;
}

// As it was at one moment, whoever stores there meanwhile.
Line snapshot(std::byte* line) noexcept {
  for (Line first = copy_of(line);;) {
    const Line second = copy_of(line);
    if (first == second) return first;
    first = second;
  }
}

void store(std::byte* line, const Line& value) noexcept {
  for (std::size_t i = kWords; i-- > 0;) words_at(line)[i].store(value.words[i], std::memory_order_release);
}

// But for what was stored since it was `former`.
void replace(std::byte* line, Line former, const Line& value) noexcept {
  for (std::size_t i = kWords; i-- > 0;)
    if (former.words[i] != value.words[i])
      words_at(line)[i].compare_exchange_strong(former.words[i], value.words[i], std::memory_order_acq_rel);
}

// The caches of this process, by address. Whoever looks for one may have an address in one that is being closed.
struct Entry {
  std::atomic<std::uintptr_t> first{0};  // 0: free; 1: about to be used
  std::atomic<int> users{0};
  std::atomic<std::size_t> size{0};
  std::atomic<SimulatedMemory*> owner{nullptr};
};
constexpr int kEntries = 1024;
Entry entries[kEntries];
std::atomic<int> entries_used{0};  // ever, from the first
constexpr timespec kPause{0, 100'000};

// A forked child has none of the mappings, and others may come to lie at their addresses.
void forget_entries() noexcept {
  for (Entry& entry : entries) {
    entry.users.store(0, std::memory_order_relaxed);
    entry.first.store(0, std::memory_order_relaxed);
  }
}
const int fork_watch_error = -pthread_atfork(nullptr, nullptr, forget_entries);

int map(const ProcessFd& file, std::size_t bytes, Mapping* mapping) noexcept try {
  auto lost = std::make_shared<LostFlag>(false);
  std::byte* address = nullptr;
  if (const int error = map_guarded(file.get(), 0, bytes, lost.get(), &address)) return error;
  *mapping = Mapping(address, bytes, std::move(lost));
  return 0;
} catch (const std::bad_alloc&) {
  return -ENOMEM;
}

int refuse(const std::string& path, int error) noexcept {
  ANCHOR_WARN(kDomain, "cannot use %s: %s", path.c_str(), std::strerror(-error));
  return error;
}

}  // namespace

// Robust: whoever is killed while it holds one gives it back.
struct SimulatedMemory::Locks {
  static constexpr std::size_t kCount = 64;
  pthread_mutex_t mutexes[kCount];

  void make() noexcept {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    for (pthread_mutex_t& mutex : mutexes) pthread_mutex_init(&mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
  }

  class Hold {
   public:
    Hold(const Mapping& locks, std::uint64_t line) noexcept
        : mutex_(reinterpret_cast<Locks*>(locks.data())->mutexes[line % kCount]) {
      if (pthread_mutex_lock(&mutex_) == EOWNERDEAD) pthread_mutex_consistent(&mutex_);
    }
    ~Hold() { pthread_mutex_unlock(&mutex_); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    pthread_mutex_t& mutex_;
  };
};

SimulatedMemory::~SimulatedMemory() {
  if (entry_ < 0 || process_ != ::getpid()) return;
  entries[entry_].first.store(1, std::memory_order_seq_cst);
  while (entries[entry_].users.load(std::memory_order_seq_cst) != 0) ::nanosleep(&kPause, nullptr);
  entries[entry_].first.store(0, std::memory_order_release);
}

template <class Act>
void SimulatedMemory::with_line(const void* address, Act&& act) noexcept {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  const auto within = [wanted](const Entry& entry, std::memory_order order) {
    const std::uintptr_t first = entry.first.load(order);
    return first > 1 && wanted >= first && wanted - first < entry.size.load(std::memory_order_relaxed);
  };
  const int used = entries_used.load(std::memory_order_acquire);
  for (Entry* entry = entries; entry != entries + used; ++entry) {
    if (!within(*entry, std::memory_order_acquire)) continue;
    entry->users.fetch_add(1, std::memory_order_seq_cst);
    if (within(*entry, std::memory_order_seq_cst)) {
      SimulatedMemory& memory = *entry->owner.load(std::memory_order_relaxed);
      const std::size_t at = (wanted - entry->first.load(std::memory_order_relaxed)) / kCacheLine * kCacheLine;
      const Locks::Hold hold(memory.locks_, memory.first_line_ + at / kCacheLine);
      act(memory.cache_.data() + at, memory.cache_.data() + memory.memory_->size() + at, memory.memory_->data() + at);
    }
    entry->users.fetch_sub(1, std::memory_order_seq_cst);
    return;
  }
}

int SimulatedMemory::enter() noexcept {
  if (fork_watch_error != 0) return fork_watch_error;
  for (int i = 0; i < kEntries; ++i) {
    std::uintptr_t unused = 0;
    if (!entries[i].first.compare_exchange_strong(unused, 1, std::memory_order_acquire)) continue;
    entries[i].size.store(memory_->size(), std::memory_order_relaxed);
    entries[i].owner.store(this, std::memory_order_relaxed);
    entries[i].first.store(reinterpret_cast<std::uintptr_t>(cache_.data()), std::memory_order_release);
    entry_ = i;
    process_ = ::getpid();
    int used = entries_used.load(std::memory_order_relaxed);
    while (used <= i && !entries_used.compare_exchange_weak(used, i + 1, std::memory_order_release)) {
    }
    return 0;
  }
  return -ENFILE;
}

int SimulatedMemory::open_cache(const std::string& path) noexcept {
  ProcessFd file;
  int error = file.open(path.c_str(), kOpenFlags | O_CREAT, kOwnerOnly);
  if (error == 0 && ::ftruncate(file.get(), static_cast<off_t>(2 * memory_->size())) != 0) error = -errno;
  if (error == 0) error = map(file, 2 * memory_->size(), &cache_);
  return error != 0 ? refuse(path, error) : 0;
}

// The file gets its name when the locks in it are made.
int SimulatedMemory::open_locks(const std::string& path) noexcept {
  for (;;) {
    ProcessFd file;
    int error = file.open(path.c_str(), kOpenFlags);
    if (error == 0) {
      error = map(file, kPageSize, &locks_);
      return error != 0 ? refuse(path, error) : 0;
    }
    const std::string folder = path.substr(0, path.rfind('/'));
    if (error == -ENOENT) error = file.open(folder.c_str(), O_RDWR | O_TMPFILE, kOwnerOnly);
    if (error == 0) error = reserve_file(file.get(), 0, kPageSize);
    Mapping made;
    if (error == 0) error = map(file, kPageSize, &made);
    if (error == 0) {
      reinterpret_cast<Locks*>(made.data())->make();
      error = link_descriptor(file.get(), path.c_str());
    }
    if (error != 0 && error != -EEXIST) return refuse(path, error);
  }
}

int SimulatedMemory::open(std::shared_ptr<const Mapping> memory, const FileIdentity& file, std::uint64_t offset,
                          std::uint32_t host, const std::string& directory) noexcept try {
  static_assert(sizeof(Locks) <= kPageSize);
  memory_ = std::move(memory);
  first_line_ = offset / kCacheLine;
  char name[128];
  std::snprintf(name, sizeof name, "/anchor-window-simulated-%u-%" PRIx64 "-%" PRIx64, ::geteuid(),
                static_cast<std::uint64_t>(file.device), static_cast<std::uint64_t>(file.inode));
  const std::string common = directory + name;
  if (const int error = open_locks(common)) return error;
  std::snprintf(name, sizeof name, "-%" PRIx64 "-%u", offset, host);
  if (const int error = open_cache(common + name)) return error;
  return enter();
} catch (const std::bad_alloc&) {
  return -ENOMEM;
}

void SimulatedMemory::write_back(const void* address) noexcept {
  with_line(address, [](std::byte* cached, std::byte* clean, std::byte* memory) {
    const Line now = snapshot(cached);
    if (now == copy_of(clean)) return;
    store(memory, now);
    store(clean, now);
  });
}

void SimulatedMemory::renew(const void* address) noexcept {
  with_line(address, [](std::byte* cached, std::byte* clean, std::byte* memory) {
    const Line now = snapshot(cached);
    const Line before = copy_of(clean);
    if (now != before) store(memory, now);
    const Line in_memory = copy_of(memory);
    replace(cached, now, in_memory);
    if (in_memory != before) store(clean, in_memory);
  });
}

}  // namespace anchor
