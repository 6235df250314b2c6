// SPDX-License-Identifier: BSD-2-Clause
#include "core/address_vector.h"

#include <algorithm>
#include <cerrno>
#include <new>

#include "core/work_request.h"  // kAnyAddress

namespace anchor {
namespace {

// The expected count is the application's guess: past this much the table grows as it goes.
constexpr std::size_t kMaxReserved = 4096;

}  // namespace

AddressVector::AddressVector(Kind kind, std::size_t expected_count) : kind_(kind) {
  slots_.reserve(std::min(expected_count, kMaxReserved));
}

std::uint64_t AddressVector::insert(const EndpointName& name, const std::uint64_t* user_id) noexcept try {
  std::lock_guard guard(mutex_);
  const std::uint32_t index = place(name);
  by_name_.insert(index);  // when this throws, the slot is still a free one
  slots_[index].used = true;
  slots_[index].reported = user_id != nullptr ? *user_id : address_of(index);
  search_from_ = index + 1;
  changed();
  return address_of(index);
} catch (const std::bad_alloc&) {
  return kAnyAddress;
}

// Writes the name into the lowest free slot, which stays free.
std::uint32_t AddressVector::place(const EndpointName& name) {
  const bool some_free = by_name_.size() < slots_.size();
  std::size_t index = some_free ? search_from_ : slots_.size();
  while (index < slots_.size() && slots_[index].used) ++index;
  if (index == slots_.size()) slots_.push_back({name, 0, 0, false});
  slots_[index].name = name;
  return static_cast<std::uint32_t>(index);
}

int AddressVector::remove(std::uint64_t address) noexcept {
  std::lock_guard guard(mutex_);
  if (slot_of(address) == nullptr) return -ENOENT;
  const auto index = static_cast<std::uint32_t>(address);
  Slot& slot = slots_[index];
  by_name_.erase(index);
  slot.used = false;
  if (kind_ == Kind::kMap) ++slot.generation;
  search_from_ = std::min<std::size_t>(search_from_, index);
  changed();
  return 0;
}

int AddressVector::set_user_id(std::uint64_t address, std::uint64_t user_id) noexcept {
  std::lock_guard guard(mutex_);
  if (slot_of(address) == nullptr) return -ENOENT;
  slots_[static_cast<std::uint32_t>(address)].reported = user_id;
  changed();
  return 0;
}

int AddressVector::lookup(std::uint64_t address, EndpointName* name) const noexcept {
  std::lock_guard guard(mutex_);
  const Slot* slot = slot_of(address);
  if (slot == nullptr) return -ENOENT;
  *name = slot->name;
  return 0;
}

std::uint64_t AddressVector::find(const EndpointName& name) const noexcept {
  std::lock_guard guard(mutex_);
  const auto lowest = by_name_.lower_bound(name);
  return lowest != by_name_.end() && slots_[*lowest].name == name ? address_of(*lowest) : kAnyAddress;
}

std::uint64_t AddressVector::reported(std::uint64_t address) const noexcept {
  std::lock_guard guard(mutex_);
  const Slot* slot = slot_of(address);
  return slot != nullptr ? slot->reported : address;
}

std::size_t AddressVector::count() const noexcept {
  std::lock_guard guard(mutex_);
  return by_name_.size();
}

const AddressVector::Slot* AddressVector::slot_of(std::uint64_t address) const noexcept {
  const std::uint64_t index = address & 0xffff'ffff;
  if (index >= slots_.size()) return nullptr;
  const Slot& slot = slots_[index];
  return slot.used && slot.generation == address >> 32 ? &slot : nullptr;
}

}  // namespace anchor
