// SPDX-License-Identifier: BSD-2-Clause
// Has somebody told of each access to a range of memory, whichever instruction makes it, before it happens: for tests.
//
// The pages are protected, so that the access faults; the page is opened, the instruction carried out by itself (the
// processor's trap flag), and the page protected again. That takes some microseconds an access. Copies and fillings by
// one instruction (rep movsb, rep stosb) are told of, and carried out, as a whole. Not seen: what another thread does
// to a page in the moment that it is open; that a load and a store are two of one instruction, but for the atomic ones;
// what the kernel does, for a system call given such memory fails with EFAULT.
//
// x86-64 only. A forked child does without. Thread-safe. Takes SIGSEGV and SIGTRAP of the process for itself, and
// passes on what is not its own; no thread that touches the range may block them.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace anchor {

enum class Access : std::uint8_t { kLoad, kStore, kAtomic };

// Called in a signal handler, by the thread that is about to do it.
class AccessJudge {
 public:
  virtual ~AccessJudge() = default;
  // `bytes`: of a copy or filling by one instruction; else 1, whatever the access's real size.
  virtual void judge(const std::byte* address, std::size_t bytes, Access access) noexcept = 0;
};

class AccessTrap {
 public:
  enum class Trapped : std::uint8_t { kAll, kStores };

  AccessTrap() noexcept = default;
  AccessTrap(const AccessTrap&) = delete;
  AccessTrap& operator=(const AccessTrap&) = delete;
  // Nobody may touch the range meanwhile; it is to be unmapped next.
  ~AccessTrap();

  // Once. Whole pages, mapped for reading and writing. -EOPNOTSUPP: another processor; -ENFILE: too many.
  int open(std::byte* address, std::size_t bytes, Trapped trapped, AccessJudge* judge) noexcept;

 private:
  int entry_ = -1;
  pid_t process_ = 0;
};

}  // namespace anchor
