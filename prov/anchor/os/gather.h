// SPDX-License-Identifier: BSD-2-Clause
// Copying between a list of segments and flat memory. Lengths in bytes; `skip` counts from the start of the first
// segment.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

namespace anchor {

// Copies up to `length` bytes behind the first `skip` of `segments` to `to`; returns how many there were.
std::size_t gather(void* to, const iovec* segments, std::size_t count, std::size_t skip, std::size_t length) noexcept;

// Copies up to `length` bytes from `from` behind the first `skip` of `segments`; returns how many fitted.
std::size_t scatter(const iovec* segments, std::size_t count, std::size_t skip, const void* from,
                    std::size_t length) noexcept;

// Copies `length` bytes, which both lists have. They may be of the same memory: then the result is as if one byte was
// moved after the other had been read.
void move_between(const iovec* from, const iovec* to, std::size_t length) noexcept;

// The part of `segments` from `skip` on, at most `length` bytes, as segments of its own (`out` has room for `count`).
// Returns how many segments; `*bytes` is what they cover.
std::size_t slice(const iovec* segments, std::size_t count, std::size_t skip, std::size_t length, iovec* out,
                  std::size_t* bytes) noexcept;

}  // namespace anchor
