// SPDX-License-Identifier: BSD-2-Clause
//
// What this process costs in memory, from the kernel's books: private pages from /proc/self/status, and the
// files in shared memory that it maps or holds open, by inode, with the blocks that they occupy (reserved
// pages count although nobody touched them). Stateless; any thread.
#pragma once

#include <cstdint>
#include <map>

namespace anchor::bench {

using SharedFiles = std::map<std::uint64_t, std::uint64_t>;  // inode -> bytes

SharedFiles shared_files_in_use();

// Resident pages that are not shared memory: heap, stacks and the touched parts of libraries.
std::uint64_t private_resident_bytes();

}  // namespace anchor::bench
