// SPDX-License-Identifier: BSD-2-Clause
// A barrier that one thread executes on behalf of all others, in other processes too (membarrier(2)): whoever goes to
// sleep pays for the ordering of a store before a load, so that those who write messages need no fence for it.
//
// Thread-safe.
#pragma once

namespace anchor {

// Has the global barriers of others reach this process. False: the kernel refuses, and this process must fence by
// itself wherever others count on theirs. Asks the kernel once; a forked child inherits the answer.
bool reached_by_global_barriers() noexcept;

// A full barrier here and on every thread of every process that is reached. False: the kernel refuses; then it was one
// on this thread only. About 2 us.
bool global_barrier() noexcept;

}  // namespace anchor
