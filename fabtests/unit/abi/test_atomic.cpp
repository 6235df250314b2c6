// SPDX-License-Identifier: BSD-2-Clause
#include <rdma/fi_errno.h>

#include "abi/atomic.h"
#include "abi/unsupported.h"
#include "open_domain.h"

using namespace anchor;

namespace {

constexpr std::uint64_t kBoth = FI_ATOMIC | FI_READ | FI_WRITE;

struct Memory {
  explicit Memory(const OpenDomain& open) {
    cr_assert_eq(fi_mr_reg(open.domain.get(), words, sizeof words, FI_REMOTE_READ | FI_REMOTE_WRITE, 0, 1, 0,
                           region.out(), nullptr),
                 0);
  }
  std::uint64_t words[4] = {1, 2, 3, 4};
  Opened<fid_mr> region;
};

void with_atomics(fi_info& hints) { hints.caps = FI_MSG | FI_TAGGED | FI_ATOMIC; }

}  // namespace

Test(atomic, tables_follow_the_capabilities) {
  cr_assert_eq(atomic_ops(FI_MSG | FI_READ | FI_WRITE), &unsupported_atomic);
  cr_assert_eq(disabled_atomic_ops(FI_MSG), &unsupported_atomic);
  cr_assert_neq(atomic_ops(kBoth), atomic_ops(FI_ATOMIC | FI_READ));
  std::uint64_t word = 0;
  fi_ops_atomic* const read_only = atomic_ops(FI_ATOMIC | FI_READ);
  cr_assert_eq(read_only->inject(nullptr, &word, 1, 0, 0, 0, FI_UINT64, FI_SUM), -FI_ENOSYS);
  fi_ops_atomic* const write_only = atomic_ops(FI_ATOMIC | FI_WRITE);
  cr_assert_eq(write_only->readwrite(nullptr, &word, 1, nullptr, &word, nullptr, 0, 0, 0, FI_UINT64, FI_SUM, nullptr),
               -FI_ENOSYS);
  fi_ops_atomic* const disabled = disabled_atomic_ops(kBoth);
  cr_assert_eq(disabled->inject(nullptr, &word, 1, 0, 0, 0, FI_UINT64, FI_SUM), -FI_EOPBADSTATE);
}

Test(atomic, what_there_is_can_be_asked_at_any_time) {
  for (fi_ops_atomic* ops : {atomic_ops(kBoth), disabled_atomic_ops(kBoth)}) {
    std::size_t count = 0;
    cr_assert_eq(ops->writevalid(nullptr, FI_INT32, FI_SUM, &count), 0);
    cr_assert_eq(count, 1024u);
    cr_assert_eq(ops->readwritevalid(nullptr, FI_INT32, FI_ATOMIC_READ, &count), 0);
    cr_assert_eq(ops->compwritevalid(nullptr, FI_INT32, FI_MSWAP, nullptr), 0);
    count = 55;
    cr_assert_eq(ops->writevalid(nullptr, FI_INT32, FI_CSWAP, &count), -FI_EOPNOTSUPP);
    cr_assert_eq(ops->compwritevalid(nullptr, FI_DOUBLE, FI_MSWAP, &count), -FI_EOPNOTSUPP);
    cr_assert_eq(count, 55u);
  }
}

Test(atomic, arguments_become_an_operation) {
  OpenDomain open(with_atomics);
  Memory memory(open);
  OpenEndpoint end(open);
  cr_assert_eq(fi_enable(end.ep.get()), 0);
  const fi_addr_t self = end.self();
  std::uint64_t operand = 10, compare = 2, result = 0;
  cr_assert_eq(fi_compare_atomic(end.ep.get(), &operand, 1, nullptr, &compare, nullptr, &result, nullptr, self, 8, 1,
                                 FI_UINT64, FI_CSWAP, &operand),
               0);
  const fi_cq_tagged_entry entry = end.next();
  cr_assert_eq(entry.op_context, &operand);
  cr_assert_eq(entry.flags, FI_ATOMIC | FI_READ);
  cr_assert_eq(result, 2u);
  cr_assert_eq(memory.words[1], 10u);
}

Test(atomic, lengths_must_agree) {
  OpenDomain open(with_atomics);
  OpenEndpoint end(open);
  cr_assert_eq(fi_enable(end.ep.get()), 0);
  const fi_addr_t self = end.self();
  std::uint64_t words[4] = {};
  fi_ioc two{words, 2}, three{words, 3};
  const auto compare = [&](fi_ioc* operand, fi_ioc* compared, fi_ioc* result) {
    return static_cast<ssize_t>(fi_compare_atomicv(end.ep.get(), operand, nullptr, 1, compared, nullptr, 1, result,
                                                   nullptr, 1, self, 0, 1, FI_UINT64, FI_CSWAP, nullptr));
  };
  cr_assert_eq(compare(&two, &three, &two), -FI_EINVAL);
  cr_assert_eq(compare(&two, &two, &three), -FI_EINVAL);
  cr_assert_eq(compare(&three, &two, &two), -FI_EINVAL);
  fi_ioc huge{words, SIZE_MAX / 8 + 1};
  cr_assert_eq(compare(&huge, &two, &two), -FI_EMSGSIZE);
  cr_assert_eq(compare(&two, &huge, &two), -FI_EINVAL);
}
