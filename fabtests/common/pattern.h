// SPDX-License-Identifier: BSD-2-Clause
// Message contents that can be verified byte by byte at the other side, from a seed alone.
//
// The byte at a position depends on seed and position, so that lost, repeated and shifted parts are all noticed.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace anchor::fabtests {

using Bytes = std::vector<std::byte>;

// `first` is the position, within the message, of buffer's first byte.
void fill_pattern(void* buffer, std::size_t size, std::uint64_t seed, std::uint64_t first = 0) noexcept;

// The first position at which the buffer differs, or `size` when it is right.
std::size_t find_difference(const void* buffer, std::size_t size, std::uint64_t seed, std::uint64_t first = 0) noexcept;

// Notes a failure naming the position and the bytes. True when right.
bool check_pattern(const void* buffer, std::size_t size, std::uint64_t seed, std::uint64_t first = 0);

// The same over a list of segments.
void fill_pattern(const std::vector<iovec>& segments, std::uint64_t seed) noexcept;
bool check_pattern(const std::vector<iovec>& segments, std::size_t size, std::uint64_t seed);

// All of the buffer still holds `value`: nothing was written there.
bool check_untouched(const void* buffer, std::size_t size, std::byte value);

Bytes patterned(std::size_t size, std::uint64_t seed);

}  // namespace anchor::fabtests
