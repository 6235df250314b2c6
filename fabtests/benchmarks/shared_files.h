// SPDX-License-Identifier: BSD-2-Clause
//
// What this process costs in memory, from the kernel's books: its pages from /proc/self/status, and the files in shared
// memory that it maps or holds open, by inode, with the blocks that they occupy (reserved pages count although nobody
// touched them). Stateless; any thread.
#pragma once

#include <cstdint>
#include <map>

namespace anchor::bench {

using SharedFiles = std::map<std::uint64_t, std::uint64_t>;  // inode -> bytes

SharedFiles shared_files_in_use();

struct ResidentPages {
  std::uint64_t heap_bytes;  // written by this process: heap, stacks, relocated data
  std::uint64_t file_bytes;  // of programs and libraries, as on disk; the kernel maps them 16 at a time
};
ResidentPages resident_pages();

}  // namespace anchor::bench
