// SPDX-License-Identifier: BSD-2-Clause
// The table behind fi_av: addresses as inserted, by fi_addr_t and by name.
//
// fi_addr_t is index | generation << 32. The generation starts at 0 and grows each time a slot is reused in a map
// (FI_AV_MAP), so a removed address is recognised; in a table (FI_AV_TABLE) it stays 0, because the index is insertion
// order and applications count on it. Thread-safe (own lock; cold path only: endpoints keep their own direct table).
#pragma once

#include <cstddef>
#include <cstdint>

#include "os/endpoint_name.h"

namespace anchor {

class AddressVector {
 public:
  enum class Kind { kMap, kTable };
  AddressVector(Kind kind, std::size_t expected_count);

  // The lowest free slot. The same name may be inserted again: it gets a slot of its own, and find() gives the lowest.
  std::uint64_t insert(const EndpointName& name);
  int remove(std::uint64_t address);                              // -ENOENT (unknown or removed)
  int lookup(std::uint64_t address, EndpointName* name) const;    // -ENOENT
  std::uint64_t find(const EndpointName& name) const;             // kAnyAddress when absent
  std::size_t count() const;
};

}  // namespace anchor
