// SPDX-License-Identifier: BSD-2-Clause
// What lies behind addresses of another process: which part of which file, if it is one that can be shared.
//
// The kernel says so (proc_pid_maps(5)), not the process: nothing here has to be believed of it. It takes as long as
// the process has mappings, tens to hundreds of microseconds, so it is for memory that is used again and again.
// Thread-safe, stateless. Asks for no more permission than reading the process's memory does.
#pragma once

#include <climits>
#include <cstdint>

#include "os/shared_memory.h"

namespace anchor {

// A range of a process's addresses that is one part of one file, mapped MAP_SHARED.
struct SharedSpan {
  FileIdentity file;
  std::uint64_t offset;  // in the file, of the range's first byte
  bool readable;         // by the process
  bool writable;
  // The first mapping of it.
  std::uint64_t start;
  std::uint64_t end;
  char path[PATH_MAX];  // as the kernel shows it; may lead nowhere, or elsewhere

  // Whether it is the same memory.
  bool same_as(const SharedSpan& other) const noexcept {
    return file == other.file && offset == other.offset && readable == other.readable && writable == other.writable;
  }
};

// `process`: an open /proc/<number>; once the process is gone it leads to no other one. -ENXIO: the range, or a part of
// it, is not mapped, private, or another file's; -E2BIG: too many mappings to look through; otherwise why they cannot
// be read.
int find_shared_span(int process, std::uint64_t address, std::uint64_t length, SharedSpan* span) noexcept;

}  // namespace anchor
