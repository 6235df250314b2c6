// SPDX-License-Identifier: BSD-2-Clause
// The normalised form of an atomic operation on a peer's memory. As a WorkRequest it lives on the caller's stack for
// the length of one call.
#pragma once

#include <cstdint>

#include "core/atomic_types.h"
#include "core/remote_work.h"

namespace anchor {

// remote.base: of type kAtomic, kFetchAtomic or kCompareAtomic; its segments are the operand (none for kRead), its
// length the bytes of all elements. What is given of `compares` and `results`, and the targets, cover as many.
struct AtomicWork {
  RemoteWork remote;
  AtomicType type;
  AtomicOperation operation;
  std::uint32_t compare_count = 0;
  std::uint32_t result_count = 0;
  const iovec* compares = nullptr;
  const iovec* results = nullptr;
};

constexpr AtomicClass family_of(WorkType type) noexcept {
  return type == WorkType::kAtomic        ? AtomicClass::kBase
         : type == WorkType::kFetchAtomic ? AtomicClass::kFetch
                                          : AtomicClass::kCompare;
}

}  // namespace anchor
