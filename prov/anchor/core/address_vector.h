// SPDX-License-Identifier: BSD-2-Clause
// The table behind fi_av: addresses as inserted, by fi_addr_t and by name, and what the application wants to read in
// their place (FI_AV_USER_ID, fi_av(3)).
//
// fi_addr_t is index | generation << 32. The generation starts at 0 and grows each time an address is removed from a
// map (FI_AV_MAP), so a removed address is recognised; in a table (FI_AV_TABLE) it stays 0, because the index is
// insertion order and applications count on it. Thread-safe by its own lock. Endpoints keep a direct table of their
// own, and see by version() when to look again.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <set>
#include <vector>

#include "os/endpoint_name.h"

namespace anchor {

class AddressVector {
 public:
  enum class Kind { kMap, kTable };
  // Throws std::bad_alloc.
  AddressVector(Kind kind, std::size_t expected_count);
  AddressVector(const AddressVector&) = delete;
  AddressVector& operator=(const AddressVector&) = delete;

  // The lowest free slot. The same name may be inserted again: it gets a slot of its own, and find() gives the lowest.
  // `user_id`: what completions say in place of the address; nullptr: itself. kAnyAddress when there is no memory.
  std::uint64_t insert(const EndpointName& name, const std::uint64_t* user_id = nullptr) noexcept;
  int set_user_id(std::uint64_t address, std::uint64_t user_id) noexcept;  // -ENOENT
  int remove(std::uint64_t address) noexcept;                              // -ENOENT (unknown or removed)
  int lookup(std::uint64_t address, EndpointName* name) const noexcept;    // -ENOENT
  std::uint64_t find(const EndpointName& name) const noexcept;             // kAnyAddress when absent
  // What completions say in place of `address`: itself, too, when it is not there (any more).
  std::uint64_t reported(std::uint64_t address) const noexcept;
  std::size_t count() const noexcept;

  // Changes with every insertion, removal and user identifier. Relaxed: it changes under the lock, which whoever saw it
  // takes to look up what changed.
  std::uint64_t version() const noexcept { return version_.load(std::memory_order_relaxed); }

 private:
  struct Slot {
    EndpointName name;
    std::uint64_t reported;
    std::uint32_t generation;
    bool used;
  };

  // Orders slots by name, and those with one name by index.
  struct ByName {
    using is_transparent = void;
    const std::vector<Slot>* slots;

    bool operator()(std::uint32_t a, std::uint32_t b) const noexcept {
      const int order = compare(a, (*slots)[b].name);
      return order < 0 || (order == 0 && a < b);
    }
    bool operator()(std::uint32_t a, const EndpointName& name) const noexcept { return compare(a, name) < 0; }
    int compare(std::uint32_t a, const EndpointName& name) const noexcept {
      return std::memcmp((*slots)[a].name.bytes.data(), name.bytes.data(), kNameSize);
    }
  };

  std::uint32_t place(const EndpointName& name);
  void changed() noexcept { version_.fetch_add(1, std::memory_order_relaxed); }
  const Slot* slot_of(std::uint64_t address) const noexcept;
  std::uint64_t address_of(std::uint32_t index) const noexcept {
    return static_cast<std::uint64_t>(slots_[index].generation) << 32 | index;
  }

  const Kind kind_;
  std::atomic<std::uint64_t> version_{0};
  mutable std::mutex mutex_;
  std::vector<Slot> slots_;
  std::set<std::uint32_t, ByName> by_name_{ByName{&slots_}};  // the used ones
  std::size_t search_from_ = 0;                               // no slot before it is free
};

}  // namespace anchor
