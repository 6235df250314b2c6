// SPDX-License-Identifier: BSD-2-Clause
// Shared file mappings that stay readable and writable whatever another process does to the file.
//
// Whoever may map a region file may also truncate it (tmpfs files with a name accept no seals: they are born with
// F_SEAL_SEAL), and a touch beyond the new end raises SIGBUS, which would end this process. So every mapping made here
// is entered in a table, and while the table is not empty a SIGBUS handler is installed: when the faulting address lies
// in an entry, the whole entry is replaced by private zero pages, its `lost` flag is raised, and the touch is repeated
// on the zeros. From then on the owner sees what it would see of a peer gone silent, and the flag tells it why.
// Everything else (another address, a memory error, a signal sent by somebody) goes to the handler that was there
// before, or to the default action. When the last mapping goes the earlier handler is put back, unless somebody has put
// one on top of ours. A library that contains this must stay loaded while such a foreign handler may still call ours
// (-z nodelete). Not covered: a thread that blocks SIGBUS (the kernel then ends the process), and a handler installed
// later by the application that does not pass on what it does not know.
//
// A forked child does not have these mappings (MADV_DONTFORK): each would keep the open file and its locks, as a
// descriptor would. The child's table is empty, and unmap_guarded does nothing there, so destructors that run in the
// child unmap nothing that has since taken the same addresses.
//
// Thread-safe. One mapping must not be touched while another thread unmaps it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace anchor {

// Raised in a signal handler, hence lock-free; relaxed, since it orders nothing but its own news.
using LostFlag = std::atomic<bool>;
static_assert(LostFlag::is_always_lock_free);

enum class Touching : std::uint8_t { kReadWrite, kReadOnly };

// Maps [offset, offset + bytes) of the file, page multiples, shared; the file may be shorter. `lost` must outlive the
// mapping. 0 or a negated errno value.
int map_guarded(int fd, std::uint64_t offset, std::size_t bytes, LostFlag* lost, std::byte** address,
                Touching touching = Touching::kReadWrite) noexcept;

// Whether a SIGBUS of this thread would come to us first. Requires: something is mapped.
bool is_guard_in_force() noexcept;

// The same three values as given to and got from map_guarded.
void unmap_guarded(std::byte* address, std::size_t bytes, const LostFlag* lost) noexcept;

}  // namespace anchor
