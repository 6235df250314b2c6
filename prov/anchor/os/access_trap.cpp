// SPDX-License-Identifier: BSD-2-Clause
#include "os/access_trap.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>

#include "os/cacheline.h"

namespace anchor {

#if defined(__x86_64__)

namespace {

constexpr int kEntries = 256;
constexpr std::size_t kMostPages = 4;  // that one instruction touches
constexpr greg_t kTrapFlag = 1 << 8, kDirectionFlag = 1 << 10;
constexpr greg_t kWriteFault = 1 << 1;  // in a page fault's error code

struct Entry {
  std::atomic<std::uintptr_t> first{0};  // 0: free; 1: about to be used
  std::atomic<std::size_t> size{0};
  std::atomic<AccessJudge*> judge{nullptr};
  std::atomic<int> protection{PROT_NONE};
};
Entry entries[kEntries];

// A forked child does not have what is mapped for this process alone, and others may come to lie at those addresses.
void forget_entries() noexcept {
  for (Entry& entry : entries) entry.first.store(0, std::memory_order_relaxed);
}
const int fork_watch_error = -pthread_atfork(nullptr, nullptr, forget_entries);

struct OpenPages {
  std::size_t count = 0;
  struct {
    void* address;
    int protection;
  } pages[kMostPages];
};
thread_local OpenPages open_pages;

struct sigaction earlier_fault, earlier_trap;

Entry* entry_of(std::uintptr_t address) noexcept {
  for (Entry& entry : entries) {
    const std::uintptr_t first = entry.first.load(std::memory_order_acquire);
    if (first > 1 && address >= first && address - first < entry.size.load(std::memory_order_relaxed)) return &entry;
  }
  return nullptr;
}

// The default action ends the process when the instruction is tried again.
void pass_on(const struct sigaction& earlier, int signal, siginfo_t* cause, void* context) {
  if ((earlier.sa_flags & SA_SIGINFO) != 0) return earlier.sa_sigaction(signal, cause, context);
  if (earlier.sa_handler != SIG_DFL && earlier.sa_handler != SIG_IGN) return earlier.sa_handler(signal);
  ::signal(signal, SIG_DFL);
  if (cause->si_code <= 0) ::raise(signal);
}

// One with a lock prefix, or an exchange, which locks without saying so.
bool is_atomic(const unsigned char* instruction) noexcept {
  for (; *instruction == 0x66 || *instruction == 0xf2 || *instruction == 0xf3; ++instruction) {
  }
  if (*instruction == 0xf0) return true;
  if ((*instruction & 0xf0) == 0x40) ++instruction;
  return *instruction == 0x86 || *instruction == 0x87;
}

void open_page(std::uintptr_t address, int protection) noexcept {
  void* page = reinterpret_cast<void*>(address / kPageSize * kPageSize);
  if (open_pages.count < kMostPages) open_pages.pages[open_pages.count++] = {page, protection};
  ::mprotect(page, kPageSize, PROT_READ | PROT_WRITE);
}

// rep movsb and rep stosb: a trap for each of their bytes would take too long. What is copied from need not be ours.
bool carry_out(const unsigned char* instruction, greg_t* registers, const Entry& entry) noexcept {
  const bool copies = instruction[0] == 0xf3 && instruction[1] == 0xa4;
  const bool fills = instruction[0] == 0xf3 && instruction[1] == 0xaa;
  if ((!copies && !fills) || (registers[REG_EFL] & kDirectionFlag) != 0) return false;
  const auto to = static_cast<std::uintptr_t>(registers[REG_RDI]);
  const auto bytes = static_cast<std::size_t>(registers[REG_RCX]);
  const std::uintptr_t first = entry.first.load(std::memory_order_relaxed);
  if (to < first || to - first + bytes > entry.size.load(std::memory_order_relaxed)) return false;
  auto* address = reinterpret_cast<std::byte*>(to);
  entry.judge.load(std::memory_order_relaxed)->judge(address, bytes, Access::kStore);
  void* pages = reinterpret_cast<void*>(to / kPageSize * kPageSize);
  const std::size_t span = round_up(to + bytes, kPageSize) - to / kPageSize * kPageSize;
  ::mprotect(pages, span, PROT_READ | PROT_WRITE);
  if (copies) {
    std::memcpy(address, reinterpret_cast<const void*>(registers[REG_RSI]), bytes);
    registers[REG_RSI] += static_cast<greg_t>(bytes);
  } else {
    std::memset(address, static_cast<int>(registers[REG_RAX] & 0xff), bytes);
  }
  ::mprotect(pages, span, entry.protection.load(std::memory_order_relaxed));
  registers[REG_RDI] += static_cast<greg_t>(bytes);
  registers[REG_RCX] = 0;
  registers[REG_RIP] += 2;
  return true;
}

void on_fault(int signal, siginfo_t* cause, void* context) {
  const auto address = reinterpret_cast<std::uintptr_t>(cause->si_addr);
  const Entry* entry = cause->si_code == SEGV_ACCERR ? entry_of(address) : nullptr;
  if (entry == nullptr) return pass_on(earlier_fault, signal, cause, context);
  const int interrupted_errno = errno;
  greg_t* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  const auto* instruction = reinterpret_cast<const unsigned char*>(registers[REG_RIP]);
  const bool stores = (registers[REG_ERR] & kWriteFault) != 0;
  if (!stores || !carry_out(instruction, registers, *entry)) {
    const Access access = is_atomic(instruction) ? Access::kAtomic : stores ? Access::kStore : Access::kLoad;
    entry->judge.load(std::memory_order_relaxed)->judge(reinterpret_cast<const std::byte*>(address), 1, access);
    open_page(address, entry->protection.load(std::memory_order_relaxed));
    registers[REG_EFL] |= kTrapFlag;
  }
  errno = interrupted_errno;
}

void on_trap(int signal, siginfo_t* cause, void* context) {
  OpenPages& open = open_pages;
  if (cause->si_code != TRAP_TRACE || open.count == 0) return pass_on(earlier_trap, signal, cause, context);
  const int interrupted_errno = errno;
  for (std::size_t i = 0; i < open.count; ++i) ::mprotect(open.pages[i].address, kPageSize, open.pages[i].protection);
  open.count = 0;
  static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_EFL] &= ~kTrapFlag;
  errno = interrupted_errno;
}

void install_handlers() noexcept {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction ours {};
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ours.sa_sigaction = on_fault;
    ::sigaction(SIGSEGV, &ours, &earlier_fault);
    ours.sa_sigaction = on_trap;
    ::sigaction(SIGTRAP, &ours, &earlier_trap);
  });
}

}  // namespace

AccessTrap::~AccessTrap() {
  if (entry_ >= 0 && process_ == ::getpid()) entries[entry_].first.store(0, std::memory_order_release);
}

int AccessTrap::open(std::byte* address, std::size_t bytes, Trapped trapped, AccessJudge* judge) noexcept {
  if (fork_watch_error != 0) return fork_watch_error;
  install_handlers();
  const int protection = trapped == Trapped::kAll ? PROT_NONE : PROT_READ;
  for (int i = 0; i < kEntries; ++i) {
    std::uintptr_t unused = 0;
    if (!entries[i].first.compare_exchange_strong(unused, 1, std::memory_order_acquire)) continue;
    entry_ = i;
    process_ = ::getpid();
    entries[i].size.store(bytes, std::memory_order_relaxed);
    entries[i].judge.store(judge, std::memory_order_relaxed);
    entries[i].protection.store(protection, std::memory_order_relaxed);
    entries[i].first.store(reinterpret_cast<std::uintptr_t>(address), std::memory_order_release);
    return ::mprotect(address, bytes, protection) == 0 ? 0 : -errno;
  }
  return -ENFILE;
}

#else

AccessTrap::~AccessTrap() = default;
int AccessTrap::open(std::byte*, std::size_t, Trapped, AccessJudge*) noexcept { return -EOPNOTSUPP; }

#endif

}  // namespace anchor
