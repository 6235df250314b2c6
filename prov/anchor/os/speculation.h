// SPDX-License-Identifier: BSD-2-Clause
// For loops that look at a line until another processor has written it.
//
// A processor that expects the loop to go on executes several rounds of it ahead. When the line changes, it finds that
// it has loaded what has not been there in that order, and throws all of them away. Stateless, thread-safe.
#pragma once

namespace anchor {

// What stands behind this is not begun before what stands before it is done. It orders nothing that the C++ memory
// model speaks of.
inline void end_speculation() noexcept {
#if defined(__x86_64__)
  asm volatile("lfence");
#endif
}

}  // namespace anchor
