// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <rdma/fi_errno.h>

#include <cstddef>
#include <cstring>

#include "abi/unsupported.h"

using namespace anchor;

namespace {

// A table is its size and then pointers only.
template <class Ops>
bool is_full(const Ops& ops) {
  static_assert(sizeof(Ops) % sizeof(void*) == 0);
  if (ops.size != sizeof(Ops)) return false;
  for (std::size_t at = sizeof(ops.size); at < sizeof(Ops); at += sizeof(void*)) {
    void* slot;
    std::memcpy(&slot, reinterpret_cast<const std::byte*>(&ops) + at, sizeof(slot));
    if (slot == nullptr) return false;
  }
  return true;
}

}  // namespace

Test(unsupported, no_slot_is_empty) {
  cr_assert(is_full(unsupported_rma));
  cr_assert(is_full(unsupported_atomic));
  cr_assert(is_full(unsupported_collective));
  cr_assert(is_full(unsupported_messages));
  cr_assert(is_full(unsupported_tagged));
  cr_assert(is_full(disabled_messages));
  cr_assert(is_full(disabled_tagged));
}

Test(unsupported, each_says_why) {
  cr_assert_eq(unsupported_rma.read(nullptr, nullptr, 0, nullptr, 0, 0, 0, nullptr), -FI_ENOSYS);
  cr_assert_eq(unsupported_messages.inject(nullptr, nullptr, 0, 0), -FI_ENOSYS);
  cr_assert_eq(disabled_messages.inject(nullptr, nullptr, 0, 0), -FI_EOPBADSTATE);
  cr_assert_eq(disabled_tagged.inject(nullptr, nullptr, 0, 0, 0), -FI_EOPBADSTATE);
}
