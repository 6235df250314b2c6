// SPDX-License-Identifier: BSD-2-Clause
// The wait object of a region on the shm device: a named pipe beside the region's file. Its owner sleeps on it, peers
// write a byte into it. A name in a folder is all that both need to share: no process number, no network namespace.
//
// Its name is the region's, a plus sign, which no region's name holds, and the number of the region's file. So a pipe
// belongs to one incarnation of an endpoint, and a leftover is told from the pipe of the one that lives. It is made
// when its owner may sleep. The owner is its only reader, so that it also tells peers of the owner's
// death (os/hangup_watch.h); it has the pipe open for writing too, so that no peer's death ends it.
#pragma once

#include <string>
#include <string_view>

#include "os/process_fd.h"
#include "os/shared_memory.h"

namespace anchor {

// May throw std::bad_alloc.
std::string wait_pipe_path(std::string_view region_path, const FileIdentity& region);

// Makes the pipe of a region of ours, and opens it. Who has the region's name has this one too: what is in the way is
// removed.
int make_wait_pipe(const char* path, ProcessFd* pipe) noexcept;

// Opens a peer's, for writing. -EACCES: not a pipe, another user's, or open to others; -ENXIO: its owner has gone.
int open_wait_pipe(const char* path, ProcessFd* pipe) noexcept;

// One byte more. A pipe that is full is readable already. -EPIPE: its owner has gone.
int ring_wait_pipe(int pipe) noexcept;
// Takes out all bytes.
void drain_wait_pipe(int pipe) noexcept;

// The path of the region that the pipe of this name belongs to; empty: no such name. `number`: of the region's file.
std::string_view owner_of_wait_pipe(std::string_view path, std::string_view* number) noexcept;

}  // namespace anchor
