// SPDX-License-Identifier: BSD-2-Clause
// Memory that no hardware keeps coherent, played on one machine: for tests.
//
// What a host stores goes to its cache, a file that its processes share, as processors of one machine share theirs. A
// line gets to the memory when it is written back, as a whole, and from there into another cache when that one drops
// what it has. Beside the cache lies what each line was when it came, or was last written back: a line that differs
// from that is a changed one. (So a store of what was there already changes nothing here; it would in hardware.) Lines
// move one at a time under locks that all hosts share, as lines do in one piece.
//
// Thread-safe, and against processes that are killed at any moment.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "dma/device.h"
#include "os/shared_memory.h"

namespace anchor {

class SimulatedMemory {
 public:
  SimulatedMemory() noexcept = default;
  SimulatedMemory(const SimulatedMemory&) = delete;
  SimulatedMemory& operator=(const SimulatedMemory&) = delete;
  ~SimulatedMemory();

  // Once. `memory`: a mapping of `file` from `offset`; `host`: whose cache; `directory`: of the files for it. Negated
  // errno value, with a warning.
  int open(std::shared_ptr<const Mapping> memory, const FileIdentity& file, std::uint64_t offset, std::uint32_t host,
           const std::string& directory) noexcept;

  // What this host sees of the memory, from its first byte on; as large, and then as much again.
  const Mapping& cache() const noexcept { return cache_; }

  // Of the line that the address lies in, if that is in the cache of one that is open in this process.
  // Has memory have it if it was changed.
  static void write_back(const void* address) noexcept;
  // The same, and has the cache have what memory has. What somebody stores meanwhile stays.
  static void renew(const void* address) noexcept;

 private:
  struct Locks;

  template <class Act>
  static void with_line(const void* address, Act&& act) noexcept;
  int open_cache(const std::string& path) noexcept;
  int open_locks(const std::string& path) noexcept;
  int enter() noexcept;

  std::shared_ptr<const Mapping> memory_;
  Mapping cache_;
  Mapping locks_;
  std::uint64_t first_line_ = 0;  // of the memory, in the file
  int entry_ = -1;
  pid_t process_ = 0;
};

}  // namespace anchor
