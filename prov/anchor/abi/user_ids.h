// SPDX-License-Identifier: BSD-2-Clause
// What an application wants to read in place of an fi_addr_t (FI_AV_USER_ID, fi_av(3)).
//
// Thread-safe by its own mutex; asked only where the capability was. Shared by the address vector that fills it and the
// queues that report from it.
#pragma once

#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "core/work_request.h"

namespace anchor {

class UserIds {
 public:
  // An address without an identifier is reported as itself, or, with `mandatory`, as unknown (libfabric 1.20's way of
  // opening the vector itself with FI_AV_USER_ID).
  explicit UserIds(bool mandatory) noexcept : mandatory_(mandatory) {}

  bool mandatory() const noexcept { return mandatory_; }

  // Throws std::bad_alloc.
  void set(std::uint64_t address, std::uint64_t id) {
    std::lock_guard guard(mutex_);
    ids_[address] = id;
  }
  void forget(std::uint64_t address) noexcept {
    std::lock_guard guard(mutex_);
    ids_.erase(address);
  }
  std::uint64_t of(std::uint64_t address) const noexcept {
    if (address == kAnyAddress) return address;
    std::lock_guard guard(mutex_);
    const auto found = ids_.find(address);
    if (found != ids_.end()) return found->second;
    return mandatory_ ? kAnyAddress : address;
  }

 private:
  const bool mandatory_;
  mutable std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::uint64_t> ids_;
};

}  // namespace anchor
