// SPDX-License-Identifier: BSD-2-Clause
// A hash table from a key to the elements that have it, oldest first: the index of one class of tag matching.
//
// Elements with one key form a ring through links of their own; the table stores each key once, as its 64-bit hash and
// the ring's first element. So 10,000 receives with one tag cost one slot, 10,000 distinct tags cost 16 bytes each,
// and a probe touches no element but the one it finds (a foreign element would be a cache miss).
// Not thread-safe. Owns its slots, not the elements. noexcept throughout: without memory it fills up, then refuses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "core/intrusive_list.h"

namespace anchor {

// Seeded, because tags come from peers: one that could choose colliding tags could make every lookup a long search.
struct MatchHash {
  std::uint64_t tag_seed;
  std::uint64_t source_seed;  // large, so that small source numbers still reach all bits of the product

  std::uint64_t operator()(std::uint32_t source, std::uint64_t tag) const noexcept {
    __extension__ using Product = unsigned __int128;
    const Product product = static_cast<Product>(tag ^ tag_seed) * (source ^ source_seed);
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }
};

// Open addressing with linear probing over 16-byte slots; removal closes the gap, so there are no tombstones to age.
class MatchSlots {
 public:
  struct Slot {
    std::uint64_t hash;
    void* first;  // nullptr: free
  };

  MatchSlots() noexcept = default;
  MatchSlots(const MatchSlots&) = delete;
  MatchSlots& operator=(const MatchSlots&) = delete;

  // The slot with this hash whose element is accepted, or the free slot where the search ended.
  template <class Accept>
  Slot* probe(std::uint64_t hash, Accept&& accept) const noexcept {
    for (std::size_t at = hash & mask_;; at = (at + 1) & mask_) {
      Slot& slot = slots_[at];
      if (slot.first == nullptr || (slot.hash == hash && accept(slot.first))) return &slot;
    }
  }

  // Requires: `slot` is what probe() gave for this hash. False: no memory, nothing changed.
  bool fill(Slot* slot, std::uint64_t hash, void* first) noexcept {
    if (used_ >= limit_) [[unlikely]] {
      slot = make_room(slot, hash);
      if (slot == nullptr) return false;
    }
    *slot = {hash, first};
    ++used_;
    return true;
  }

  void erase(Slot* slot) noexcept;
  void clear() noexcept;
  std::size_t used() const noexcept { return used_; }
  std::size_t capacity() const noexcept { return limit_ == 0 ? 0 : mask_ + 1; }

 private:
  Slot* make_room(Slot* slot, std::uint64_t hash) noexcept;
  bool grow() noexcept;

  // A table that never held anything points here, so that probe() needs no special case. Never written.
  inline static constinit Slot none_{0, nullptr};

  Slot* slots_ = &none_;
  std::size_t mask_ = 0;
  std::size_t used_ = 0;
  std::size_t limit_ = 0;  // slots that may be used before the table grows
  std::unique_ptr<Slot[]> storage_;
};

// RingOf: `Links<Node>& operator()(Node*) const`, the element's links for this table.
template <class Node, class RingOf>
class MatchTable {
 public:
  explicit MatchTable(RingOf ring_of = RingOf()) noexcept : ring_of_(ring_of) {}

  // The oldest element with the key that `same(const Node*)` accepts; nullptr: none.
  template <class Same>
  Node* find(std::uint64_t hash, Same&& same) const noexcept {
    return static_cast<Node*>(slots_.probe(hash, over_nodes(same))->first);
  }

  // Makes `node` the youngest of its key. False: no memory, nothing changed.
  template <class Same>
  bool append(Node* node, std::uint64_t hash, Same&& same) noexcept {
    MatchSlots::Slot* slot = slots_.probe(hash, over_nodes(same));
    Node* first = static_cast<Node*>(slot->first);
    if (first == nullptr) {
      ring_of_(node) = {node, node};
      return slots_.fill(slot, hash, node);
    }
    Node* last = ring_of_(first).previous;
    ring_of_(node) = {first, last};
    ring_of_(last).next = node;
    ring_of_(first).previous = node;
    return true;
  }

  // Requires: `node` stands here under this hash.
  void remove(Node* node, std::uint64_t hash) noexcept {
    const Links<Node> ring = ring_of_(node);
    MatchSlots::Slot* slot = slots_.probe(hash, [node](const void* first) { return first == node; });
    if (ring.next == node) return slots_.erase(slot);
    if (slot->first != nullptr) slot->first = ring.next;  // it was the oldest: the next one now stands for the key
    ring_of_(ring.previous).next = ring.next;
    ring_of_(ring.next).previous = ring.previous;
  }

  // Forgets all elements; their links are left as they are.
  void clear() noexcept { slots_.clear(); }
  bool empty() const noexcept { return slots_.used() == 0; }
  std::size_t capacity() const noexcept { return slots_.capacity(); }

 private:
  template <class Same>
  static auto over_nodes(Same& same) noexcept {
    return [&same](const void* node) { return same(static_cast<const Node*>(node)); };
  }

  MatchSlots slots_;
  [[no_unique_address]] RingOf ring_of_;
};

}  // namespace anchor
