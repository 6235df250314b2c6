// SPDX-License-Identifier: BSD-2-Clause
#include <rdma/fi_errno.h>

#include "abi/atomic_query.h"
#include "open_domain.h"
#include "proto/limits.h"

using namespace anchor;

namespace {

int query(fid_domain* domain, int datatype, int op, fi_atomic_attr* attr, std::uint64_t flags) {
  return fi_query_atomic(domain, static_cast<fi_datatype>(datatype), static_cast<fi_op>(op), attr, flags);
}

}  // namespace

Test(atomic_query, says_what_there_is) {
  OpenDomain open;
  fi_atomic_attr attr{};
  cr_assert_eq(query(open.domain.get(), FI_UINT64, FI_SUM, &attr, 0), 0);
  cr_assert_eq(attr.size, 8u);
  cr_assert_eq(attr.count, kMaxAtomicSize / 8);
  cr_assert_eq(query(open.domain.get(), FI_LONG_DOUBLE_COMPLEX, FI_ATOMIC_READ, &attr, FI_FETCH_ATOMIC), 0);
  cr_assert_eq(attr.size, sizeof(long double) * 2);
  cr_assert_eq(query(open.domain.get(), FI_INT128, FI_MSWAP, &attr, FI_COMPARE_ATOMIC), 0);
  cr_assert_eq(attr.size, 16u);
  cr_assert_eq(query(open.domain.get(), FI_INT8, FI_CSWAP, &attr, FI_COMPARE_ATOMIC), 0);
  cr_assert_eq(attr.count, kMaxAtomicSize);
}

Test(atomic_query, denies_the_rest_and_leaves_the_answer_alone) {
  OpenDomain open;
  fi_atomic_attr attr{.count = 77, .size = 78};
  cr_assert_eq(query(open.domain.get(), FI_UINT64, FI_ATOMIC_READ, &attr, 0), -FI_EOPNOTSUPP);
  cr_assert_eq(query(open.domain.get(), FI_UINT64, FI_CSWAP, &attr, FI_FETCH_ATOMIC), -FI_EOPNOTSUPP);
  cr_assert_eq(query(open.domain.get(), FI_UINT64, FI_SUM, &attr, FI_COMPARE_ATOMIC), -FI_EOPNOTSUPP);
  cr_assert_eq(query(open.domain.get(), FI_DOUBLE, FI_BXOR, &attr, 0), -FI_EOPNOTSUPP);
  cr_assert_eq(query(open.domain.get(), FI_FLOAT_COMPLEX, FI_MIN, &attr, 0), -FI_EOPNOTSUPP);
  cr_assert_eq(query(open.domain.get(), FI_VOID, FI_SUM, &attr, 0), -FI_EOPNOTSUPP);
  cr_assert_eq(query(open.domain.get(), -1, FI_SUM, &attr, 0), -FI_EOPNOTSUPP);
  cr_assert_eq(query(open.domain.get(), FI_UINT64, FI_NOOP, &attr, 0), -FI_EOPNOTSUPP);
  cr_assert_eq(query(open.domain.get(), FI_UINT64, -1, &attr, 0), -FI_EOPNOTSUPP);
  cr_assert_eq(query(open.domain.get(), FI_UINT64, FI_SUM, &attr, FI_TAGGED), -FI_EOPNOTSUPP);
  cr_assert_eq(query(open.domain.get(), FI_UINT64, FI_SUM, &attr, FI_FETCH_ATOMIC | FI_COMPARE_ATOMIC), -FI_EINVAL);
  cr_assert_eq(query(open.domain.get(), FI_UINT64, FI_SUM, &attr, FI_RECV), -FI_EBADFLAGS);
  cr_assert_eq(attr.count, 77u);
  cr_assert_eq(attr.size, 78u);
}

Test(atomic_query, numbers_out_of_range_stay_out_of_range) {
  cr_assert_eq(max_atomic_count(AtomicClass::kBase, static_cast<fi_datatype>(256), FI_SUM), 0u);
  cr_assert_eq(max_atomic_count(AtomicClass::kBase, FI_INT8, static_cast<fi_op>(256 + FI_SUM)), 0u);
}
