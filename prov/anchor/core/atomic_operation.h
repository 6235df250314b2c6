// SPDX-License-Identifier: BSD-2-Clause
// Carrying out an atomic operation of fi_atomic(3) on memory of this process.
//
// Thread-safe: one lock of the process makes each operation atomic against all others, whatever endpoint, thread or
// datatype they come from. Elements of up to 8 bytes at an aligned address are besides updated by a CPU's atomic
// instruction, so that an application's own atomic accesses, and those of another process that has the memory mapped
// and registered too, count as well.
#pragma once

#include <cstddef>

#include "core/atomic_types.h"

namespace anchor {

// Bytes of one element; 0: no such type.
std::size_t atomic_size(AtomicType type) noexcept;

// Whether fi_atomic(3) has the operation on this type in this family of calls. Either may be any number.
bool atomic_served(AtomicClass family, AtomicType type, AtomicOperation operation) noexcept;

// Whether the operation looks at, or changes, what was at the target.
constexpr bool atomic_writes(AtomicOperation operation) noexcept { return operation != AtomicOperation::kRead; }

// Flat arrays of `count` elements at addresses of any alignment.
struct AtomicElements {
  std::byte* target;
  const std::byte* operand;  // nullptr: there is none, for kRead
  const std::byte* compare;  // nullptr but for the swaps with a condition or a mask
  std::byte* result;         // takes the former values; nullptr: nobody wants them
  std::size_t count;
};

// Requires: atomic_served() by some family. Memory that the operation leaves as it is is not written to.
void apply_atomic(AtomicType type, AtomicOperation operation, const AtomicElements& elements) noexcept;

}  // namespace anchor
