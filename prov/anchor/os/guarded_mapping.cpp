// SPDX-License-Identifier: BSD-2-Clause
#include "os/guarded_mapping.h"

#include <pthread.h>
#include <sys/mman.h>

#include <cerrno>
#include <csignal>
#include <ctime>
#include <map>
#include <mutex>
#include <new>

#include "os/cacheline.h"
#include "os/log.h"

namespace anchor {
namespace {

void on_bus_error(int signal, siginfo_t* cause, void* context);

// A lock that a signal handler may take: the interrupted thread never is the holder, because nothing that can fault is
// touched under this lock and Hold keeps the application's own signal handlers away. So the holder is another thread
// and goes on; sleeping lets it do so even if its priority is lower than ours.
class HandlerLock {
 public:
  void lock() noexcept {
    constexpr timespec kPause{0, 20'000};
    while (taken_.test_and_set(std::memory_order_acquire)) ::nanosleep(&kPause, nullptr);
  }
  void unlock() noexcept { taken_.clear(std::memory_order_release); }

 private:
  std::atomic_flag taken_ = ATOMIC_FLAG_INIT;
};

class Hold {
 public:
  explicit Hold(HandlerLock& lock) noexcept : lock_(lock) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
    lock_.lock();
  }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  ~Hold() {
    lock_.unlock();
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  HandlerLock& lock_;
  sigset_t before_;
};

struct Guarded {
  std::size_t size;
  LostFlag* lost;
};

struct Table {
  HandlerLock lock;
  std::map<std::uintptr_t, Guarded> mappings;  // by first address
  bool installed = false;
  struct sigaction earlier {};  // what to put back
};

// Never destroyed: endpoints may outlive any order of static destructors, and a fault can come until the very end.
Table& table() noexcept {
  alignas(Table) static std::byte storage[sizeof(Table)];
  static Table* const instance = new (storage) Table;
  return *instance;
}

// What the handler passes on to. Apart from Table::earlier, since a signal sent by somebody may interrupt the holder of
// the table's lock. The two are read without a common lock: they differ in time only while somebody exchanges handlers,
// and either pairing leads to a handler that was in force.
using SimpleHandler = void (*)(int);
using DetailedHandler = void (*)(int, siginfo_t*, void*);
std::atomic<SimpleHandler> earlier_simple{SIG_DFL};
std::atomic<DetailedHandler> earlier_detailed{nullptr};
std::atomic<bool> earlier_once{false};

bool is_ours(const struct sigaction& action) noexcept {
  return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == on_bus_error;
}

void remember_earlier(const struct sigaction& action) noexcept {
  table().earlier = action;
  const bool detailed = (action.sa_flags & SA_SIGINFO) != 0;
  earlier_simple.store(detailed ? SIG_DFL : action.sa_handler);
  earlier_detailed.store(detailed ? action.sa_sigaction : nullptr);
  earlier_once.store((action.sa_flags & static_cast<int>(SA_RESETHAND)) != 0);
}

// The earlier handler's own mask and flags hold while we run, because it may run within us.
int install_handler() noexcept {
  struct sigaction current {};
  if (::sigaction(SIGBUS, nullptr, &current) != 0) return -errno;
  if (!is_ours(current)) {
    remember_earlier(current);
    struct sigaction ours {};
    ours.sa_sigaction = on_bus_error;
    ours.sa_mask = current.sa_mask;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK | (current.sa_flags & (SA_RESTART | SA_NODEFER));
    if (::sigaction(SIGBUS, &ours, nullptr) != 0) return -errno;
  }
  table().installed = true;
  return 0;
}

void restore_handler() noexcept {
  struct sigaction current {};
  if (::sigaction(SIGBUS, nullptr, &current) != 0 || !is_ours(current)) return;
  ::sigaction(SIGBUS, &table().earlier, nullptr);
  table().installed = false;
}

bool map_zeros(std::uintptr_t address, std::size_t bytes) noexcept {
  return ::mmap(reinterpret_cast<void*>(address), bytes, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) != MAP_FAILED;
}

// Maps zeros over the entry that contains the address. Several threads may fault on one entry at once: each maps zeros,
// and what the first has written to them meanwhile is lost, as is everything else in them.
bool replace_by_zeros(const void* fault) noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(fault);
  const std::lock_guard<HandlerLock> guard(table().lock);
  auto entry = table().mappings.upper_bound(address);
  if (entry == table().mappings.begin()) return false;
  --entry;
  if (address - entry->first >= entry->second.size) return false;
  // The kernel may not promise so much memory at once (vm.overcommit_memory = 2), but a page.
  if (!map_zeros(entry->first, entry->second.size) && !map_zeros(address / kPageSize * kPageSize, kPageSize))
    return false;
  entry->second.lost->store(true, std::memory_order_relaxed);
  return true;
}

// The default action cannot be called: it is made the handler, and the signal sent again comes when we return.
void end_by_default(int signal) noexcept {
  struct sigaction by_default {};
  by_default.sa_handler = SIG_DFL;
  ::sigaction(signal, &by_default, nullptr);
  ::raise(signal);
}

void pass_on(int signal, siginfo_t* cause, void* context) {
  if (earlier_once.load()) {
    struct sigaction by_default {};
    by_default.sa_handler = SIG_DFL;
    ::sigaction(signal, &by_default, nullptr);
  }
  if (const DetailedHandler detailed = earlier_detailed.load(); detailed != nullptr) {
    return detailed(signal, cause, context);
  }
  const SimpleHandler simple = earlier_simple.load();
  if (simple == SIG_IGN && cause->si_code <= 0) return;  // only a signal that somebody sent can be ignored
  if (simple == SIG_IGN || simple == SIG_DFL) return end_by_default(signal);
  simple(signal);
}

// A positive code comes from the kernel alone, so an address that we look up has really been touched.
void on_bus_error(int signal, siginfo_t* cause, void* context) {
  const int interrupted_errno = errno;
  if (cause->si_code != BUS_ADRERR || !replace_by_zeros(cause->si_addr)) pass_on(signal, cause, context);
  errno = interrupted_errno;
}

void before_fork() { table().lock.lock(); }
void after_fork_in_parent() { table().lock.unlock(); }
void after_fork_in_child() {
  table().mappings.clear();
  table().lock.unlock();
}

// From the moment the plugin is loaded: a child forked while another thread first got here would wait for ever for what
// that thread had begun.
const int fork_watch_error = -pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);

int enter(std::byte* address, std::size_t bytes, LostFlag* lost) noexcept {
  if (!table().installed) {
    if (const int error = install_handler(); error != 0) return error;
  }
  try {
    table().mappings.insert_or_assign(reinterpret_cast<std::uintptr_t>(address), Guarded{bytes, lost});
    return 0;
  } catch (const std::bad_alloc&) {
    if (table().mappings.empty()) restore_handler();
    return -ENOMEM;
  }
}

// Under one hold from mmap to the entry: a child forked in between would keep what nobody unmaps there.
int map_and_enter(int fd, std::uint64_t offset, std::size_t bytes, int protection, LostFlag* lost,
                  std::byte** address) noexcept {
  const Hold no_fork_or_fault(table().lock);
  void* const mapped = ::mmap(nullptr, bytes, protection, MAP_SHARED | MAP_NORESERVE, fd, static_cast<off_t>(offset));
  if (mapped == MAP_FAILED) return -errno;
  int error = ::madvise(mapped, bytes, MADV_DONTFORK) == 0 ? 0 : -errno;
  if (error == 0) error = enter(static_cast<std::byte*>(mapped), bytes, lost);
  if (error != 0) {
    ::munmap(mapped, bytes);
    return error;
  }
  *address = static_cast<std::byte*>(mapped);
  return 0;
}

}  // namespace

bool is_guard_in_force() noexcept {
  sigset_t blocked;
  if (pthread_sigmask(SIG_SETMASK, nullptr, &blocked) != 0 || sigismember(&blocked, SIGBUS) != 0) return false;
  struct sigaction current {};
  return ::sigaction(SIGBUS, nullptr, &current) == 0 && is_ours(current);
}

int map_guarded(int fd, std::uint64_t offset, std::size_t bytes, LostFlag* lost, std::byte** address,
                Touching touching) noexcept {
  if (fork_watch_error != 0) return fork_watch_error;
  const int protection = touching == Touching::kReadOnly ? PROT_READ : PROT_READ | PROT_WRITE;
  if (const int error = map_and_enter(fd, offset, bytes, protection, lost, address); error != 0) return error;
  if (!is_guard_in_force()) {
    ANCHOR_INFO(
        kDomain,
        "this thread blocks SIGBUS, or a handler was installed after ours: unless that passes on what it does not "
        "know, a peer that truncates its region ends this process");
  }
  return 0;
}

void unmap_guarded(std::byte* address, std::size_t bytes, const LostFlag* lost) noexcept {
  const Hold no_fork_or_fault(table().lock);
  const auto entry = table().mappings.find(reinterpret_cast<std::uintptr_t>(address));
  if (entry == table().mappings.end() || entry->second.lost != lost) return;
  table().mappings.erase(entry);
  ::munmap(address, bytes);
  if (table().mappings.empty()) restore_handler();
}

}  // namespace anchor
