// SPDX-License-Identifier: BSD-2-Clause
// Copies of some KiB into lines that another processor has just read, which have to be taken back from its cache. libc
// copies as many with one instruction (rep movsb), and that waits for such lines more often than vector moves do. (What
// another processor has just written it fetches better than they do, and more than fits the nearest cache it copies as
// well.)
#pragma once

#include <cstddef>

namespace anchor {

inline constexpr std::size_t kLeastVectorCopy = 2048;
inline constexpr std::size_t kMostVectorCopy = 16384;

// memcpy(3), for any size.
void vector_copy(void* to, const void* from, std::size_t size) noexcept;

}  // namespace anchor
