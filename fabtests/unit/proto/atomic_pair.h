// SPDX-License-Identifier: BSD-2-Clause
// Two connected nodes of which the second one has registered memory.
#pragma once

#include "node.h"
#include "proto/atomic.h"
#include "proto/limits.h"

namespace anchor::unit {

inline constexpr std::uint64_t kWordsKey = 3;
inline constexpr std::size_t kWordCount = 1024;

struct AtomicPair : Couple {
  explicit AtomicPair(const EndpointSettings& settings = quick()) : Couple(settings) {
    region.key = kWordsKey;
    region.rights = kRemoteRead | kRemoteWrite;
    region.segment_count = 1;
    region.segments[0] = {words, sizeof words};
    cr_assert_eq(registry.reserve(&region), 0);
    cr_assert_eq(registry.enable(&region), 0);
    b.exchange.memory = &registry;
  }
  ~AtomicPair() { registry.remove(&region); }

  // A fetching addition, or what `type` says, on the first words.
  int begin(std::size_t count, std::uint64_t* operand, std::uint64_t* result, WorkType type = WorkType::kFetchAtomic,
            std::uint32_t flags = kWantCompletion) {
    const iovec operands{operand, count * 8};
    const iovec results{result, count * 8};
    const RemoteTarget target{0, count * 8, kWordsKey};
    AtomicWork work{
        .remote = {.base = a.request(type, flags, &operands, 1, to_b, 0, 0), .target_count = 1, .targets = &target},
        .type = AtomicType::kUint64,
        .operation = AtomicOperation::kSum};
    if (type != WorkType::kAtomic) work.result_count = 1;
    work.results = &results;
    return begin_atomic(a.exchange, at_a(), work);
  }

  std::uint64_t words[kWordCount] = {};
  MemoryRegistry registry;
  MemoryRegion region;
};

}  // namespace anchor::unit
