// SPDX-License-Identifier: BSD-2-Clause
// Lines of memory that another processor needs next, to read what was written here, or to write again what was read.
//
// Such a line stays in our nearest cache until the other one asks for it, and the question goes all the way to us. A
// demotion puts the line where all processors look first. Stateless, thread-safe.
#pragma once

#include <cstddef>

#include "os/cacheline.h"

namespace anchor {

// Hints that the line is for somebody else. Processors that do not know the instruction take it for one that does
// nothing: it is one of those set aside for hints.
inline void demote(const void* line) noexcept {
#if defined(__x86_64__)
  asm volatile("cldemote %0" : : "m"(*static_cast<const char*>(line)));
#else
  static_cast<void>(line);
#endif
}

// The same of the lines of those bytes. Where they do not begin with a line, the last one may be left out.
inline void demote_all(const std::byte* bytes, std::size_t size) noexcept {
  for (std::size_t at = 0; at < size; at += kCacheLine) demote(bytes + at);
}

}  // namespace anchor
