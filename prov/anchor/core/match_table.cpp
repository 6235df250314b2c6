// SPDX-License-Identifier: BSD-2-Clause
#include "core/match_table.h"

#include <algorithm>
#include <new>

namespace anchor {
namespace {

constexpr std::size_t kFirstCapacity = 16;  // four cache lines

// Linear probing looks at 1.8 slots for a hit and 4 for a miss at this load: mostly one cache line.
constexpr std::size_t limit_of(std::size_t capacity) { return capacity / 8 * 5; }

}  // namespace

void MatchSlots::erase(Slot* slot) noexcept {
  std::size_t hole = static_cast<std::size_t>(slot - slots_);
  for (std::size_t at = (hole + 1) & mask_; slots_[at].first != nullptr; at = (at + 1) & mask_) {
    // An entry may move back into the hole unless its search starts behind the hole.
    const std::size_t home = slots_[at].hash & mask_;
    if (((at - home) & mask_) < ((at - hole) & mask_)) continue;
    slots_[hole] = slots_[at];
    hole = at;
  }
  slots_[hole].first = nullptr;
  --used_;
}

void MatchSlots::clear() noexcept {
  if (used_ == 0) return;
  std::fill_n(slots_, mask_ + 1, Slot{0, nullptr});
  used_ = 0;
}

MatchSlots::Slot* MatchSlots::make_room(Slot* slot, std::uint64_t hash) noexcept {
  if (grow()) return probe(hash, [](const void*) { return false; });
  // Without memory the table runs fuller than it should, but keeps the free slot that ends every search.
  return used_ < mask_ ? slot : nullptr;
}

bool MatchSlots::grow() noexcept {
  const std::size_t capacity = limit_ == 0 ? kFirstCapacity : 2 * (mask_ + 1);
  std::unique_ptr<Slot[]> storage(new (std::nothrow) Slot[capacity]());
  if (storage == nullptr) return false;
  const std::size_t mask = capacity - 1;
  for (const Slot* slot = slots_; slot != slots_ + mask_ + 1; ++slot) {
    if (slot->first == nullptr) continue;
    std::size_t at = slot->hash & mask;
    while (storage[at].first != nullptr) at = (at + 1) & mask;
    storage[at] = *slot;
  }
  storage_ = std::move(storage);
  slots_ = storage_.get();
  mask_ = mask;
  limit_ = limit_of(capacity);
  return true;
}

}  // namespace anchor
