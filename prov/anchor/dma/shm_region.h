// SPDX-License-Identifier: BSD-2-Clause
// The file behind a region of the shm device: what it is called, which bytes of it are locked for what, how it is
// opened with suspicion, and how a dead owner's is removed without ever removing a living one's.
//
// Three kinds of locked bytes, all far beyond the contents:
//  - the liveness byte is taken by the owner before the file gets its name, and by nobody else, ever. Once it is free
//    the region is dead for good: nothing needs to be held to rely on that, and a peer can never mistake somebody who
//    is clearing up for an owner;
//  - the removal byte is held by whoever takes a dead region's name away, from before the check that the name still
//    leads to this file until after the unlink. So no second remover can free the name, and no new owner take it,
//    between check and unlink of the first;
//  - one contact byte for each contact entry, for RemoteRegion::claim_contact.
//
// Thread-safe, stateless.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "os/endpoint_name.h"
#include "os/process_fd.h"
#include "os/shared_memory.h"

namespace anchor {

inline constexpr std::uint64_t kLivenessByte = std::uint64_t{1} << 40;
inline constexpr std::uint64_t kRemovalByte = kLivenessByte + 1;
inline constexpr std::uint64_t kFirstContactByte = kLivenessByte + (std::uint64_t{1} << 32);

// <directory>/anchor-<effective user>-<name without prefix, odd characters as %XX>. May throw std::bad_alloc.
std::string region_path(std::string_view directory, const EndpointName& name);

// A name that no region has, for building one where files cannot be nameless. `attempt` tells several tries apart.
std::string unborn_path(std::string_view directory, unsigned attempt);

// Whether a directory entry is a region's, or an unborn one's, of this user, by its name.
bool names_own_region(std::string_view entry) noexcept;

// Opens a region's file read-write: a regular file of ours, no symbolic link. -ENOENT; -EACCES with a warning: another
// user's, or no regular file; -EMFILE, -ENFILE with a warning.
int open_region(const char* path, ProcessFd* file, struct stat* status) noexcept;

// Takes the name away if its owner is dead. 0: nothing has the name any more, or something new just got it;
// -EADDRINUSE: the owner lives; -EAGAIN: somebody else is at it; otherwise what open_region says.
int remove_if_dead(const char* path) noexcept;

// As remove_if_dead, for every entry of the directory that names_own_region.
void remove_all_dead(const std::string& directory) noexcept;

}  // namespace anchor
