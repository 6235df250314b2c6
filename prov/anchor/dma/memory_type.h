// SPDX-License-Identifier: BSD-2-Clause
// What kind of memory a device has, and what follows for whoever shares it: a Port (port.h) for each message, and these
// two calls for all that is set up, looked at and told only now and then.
//
// Thread-safe, stateless.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace anchor {

enum class MemoryType : std::uint8_t {
  kCoherent,       // what one stores the others load, in the order of the processor's memory model
  kWriteCombined,  // not cached; stores wait in the processor, in no order, until a fence
  kNonCoherent,    // cached, and nobody keeps the caches of two hosts coherent
  kSimulated,      // likewise, but the caches are only played (simulated_cache.h): for tests
  kChecked,        // coherent, and all accesses are looked at (checked_memory.h): for tests
};

// The name in a configuration file. False: there is no such type.
bool parse_memory_type(std::string_view name, MemoryType* type) noexcept;

// Two writers must not share a line: it is written back as a whole, the neighbour's former bytes with it. (Checked
// memory is held to that, though nothing is written back.)
constexpr bool writes_whole_lines(MemoryType type) noexcept {
  return type == MemoryType::kNonCoherent || type == MemoryType::kSimulated || type == MemoryType::kChecked;
}

// What others have stored to a line shows in plain loads, which cost next to nothing until somebody stores there again:
// a word may be looked at for each message.
constexpr bool shows_by_itself(MemoryType type) noexcept {
  return type == MemoryType::kCoherent || type == MemoryType::kChecked;
}

// When it returns, the others can load what was stored to these bytes, and whatever is stored later comes later.
void push(MemoryType type, const void* from, std::size_t bytes) noexcept;

// Loads of these bytes that follow find what others had pushed before. Says nothing of the order among several lines:
// whoever looks at one to see whether another is there refreshes that one afterwards.
void refresh(MemoryType type, const void* from, std::size_t bytes) noexcept;

}  // namespace anchor
