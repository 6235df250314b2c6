// SPDX-License-Identifier: BSD-2-Clause
// A descriptor that becomes readable when a named pipe has lost its last reader, who may have died: an epoll(7) set of
// writing ends. It says whose pipe that was.
//
// A forked child has no copy: closing one does not take the original out of the sets it stands in. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>

#include "os/process_fd.h"

namespace anchor {

inline constexpr std::size_t kHangupsAtOnce = 64;

// 0 or a negated errno value, like the next one.
int open_hangup_watch(ProcessFd* watch) noexcept;
// `pipe` is open for writing only. `key` is told when its last reader has gone, or if it has already; again when
// another one has come and gone; not after the pipe was closed here, and nowhere else is open.
int watch_hangup(int watch, int pipe, std::uint64_t key) noexcept;
// Stores up to `room` keys that were not told yet and returns how many, kHangupsAtOnce at most. The watch is readable
// while there are more.
std::size_t take_hangups(int watch, std::uint64_t* keys, std::size_t room) noexcept;

}  // namespace anchor
