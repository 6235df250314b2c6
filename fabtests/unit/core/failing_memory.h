// SPDX-License-Identifier: BSD-2-Clause
// Lets allocations that may fail (new (std::nothrow) T[n]) fail at will. Each Criterion test is a process of its own,
// so a test that sets this disturbs no other.
#pragma once

namespace anchor::test {

extern bool memory_exhausted;

}  // namespace anchor::test
