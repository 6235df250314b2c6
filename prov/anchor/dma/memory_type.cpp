// SPDX-License-Identifier: BSD-2-Clause
#include "dma/memory_type.h"

#include "dma/simulated_cache.h"
#include "os/processor_cache.h"

namespace anchor {
namespace {

struct NamedType {
  std::string_view name;
  MemoryType type;
};
constexpr NamedType kTypes[] = {{"coherent", MemoryType::kCoherent},
                                {"write-combined", MemoryType::kWriteCombined},
                                {"non-coherent", MemoryType::kNonCoherent},
                                {"simulated", MemoryType::kSimulated},
                                {"checked", MemoryType::kChecked}};

template <class Cache>
void push_lines(const void* from, std::size_t bytes) noexcept {
  Cache::stored(from, bytes);
  Cache::write_back(from, bytes);
  Cache::fence();
}

}  // namespace

bool parse_memory_type(std::string_view name, MemoryType* type) noexcept {
  for (const NamedType& known : kTypes) {
    if (known.name != name) continue;
    *type = known.type;
    return true;
  }
  return false;
}

void push(MemoryType type, const void* from, std::size_t bytes) noexcept {
  switch (type) {
    case MemoryType::kCoherent:
    case MemoryType::kChecked:
      return;
    case MemoryType::kWriteCombined:
      return ProcessorCache::fence();
    case MemoryType::kNonCoherent:
      return push_lines<ProcessorCache>(from, bytes);
    case MemoryType::kSimulated:
      return push_lines<SimulatedCache>(from, bytes);
  }
}

void refresh(MemoryType type, const void* from, std::size_t bytes) noexcept {
  switch (type) {
    case MemoryType::kCoherent:
    case MemoryType::kChecked:
      return;
    case MemoryType::kWriteCombined:
      return ProcessorCache::order_loads();
    case MemoryType::kNonCoherent:
      return ProcessorCache::invalidate(from, bytes);
    case MemoryType::kSimulated:
      return SimulatedCache::invalidate(from, bytes);
  }
}

}  // namespace anchor
