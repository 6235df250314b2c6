// SPDX-License-Identifier: BSD-2-Clause
// Atomic operations of one party on the memory of another, or its own, one after the other.
//
// Belongs to one thread. The party must outlive it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/atomic_work.h"
#include "party.h"

namespace anchor::stress {

class Contender {
 public:
  // `target`: an address of the party's; `key`: of the memory there.
  Contender(Party& party, std::uint64_t target, std::uint64_t key) : party_(party), target_(target), key_(key) {}

  // Adds elements of type T, which libfabric calls `type`.
  template <class T, std::size_t kCount>
  void add(AtomicType type, std::size_t offset, std::array<T, kCount> operands) {
    carry_out({WorkType::kAtomic, type, AtomicOperation::kSum}, offset, {&operands, nullptr, nullptr, sizeof operands});
  }
  // On 64-bit words; the former value.
  std::uint64_t fetch(AtomicOperation operation, std::size_t offset, std::uint64_t operand);
  // Adds 1 to a 64-bit word by comparing and swapping.
  void swap_up(std::size_t offset);

 private:
  struct Operation {
    WorkType family;
    AtomicType type;
    AtomicOperation operation;
  };
  struct Values {
    void* operand;
    void* compare;  // nullptr: none
    void* result;   // nullptr: none
    std::size_t length;
  };
  void carry_out(const Operation& what, std::size_t offset, const Values& values);

  Party& party_;
  const std::uint64_t target_;
  const std::uint64_t key_;
};

}  // namespace anchor::stress
