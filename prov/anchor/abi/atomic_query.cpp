// SPDX-License-Identifier: BSD-2-Clause
#include "abi/atomic_query.h"

#include <rdma/fi_errno.h>

#include "proto/limits.h"

namespace anchor {
namespace {

constexpr bool agree(AtomicType ours, int theirs) noexcept { return static_cast<int>(ours) == theirs; }
constexpr bool agree(AtomicOperation ours, int theirs) noexcept { return static_cast<int>(ours) == theirs; }

static_assert(agree(AtomicType::kInt8, FI_INT8) && agree(AtomicType::kUint8, FI_UINT8));
static_assert(agree(AtomicType::kInt16, FI_INT16) && agree(AtomicType::kUint16, FI_UINT16));
static_assert(agree(AtomicType::kInt32, FI_INT32) && agree(AtomicType::kUint32, FI_UINT32));
static_assert(agree(AtomicType::kInt64, FI_INT64) && agree(AtomicType::kUint64, FI_UINT64));
static_assert(agree(AtomicType::kFloat, FI_FLOAT) && agree(AtomicType::kDouble, FI_DOUBLE));
static_assert(agree(AtomicType::kFloatComplex, FI_FLOAT_COMPLEX) &&
              agree(AtomicType::kDoubleComplex, FI_DOUBLE_COMPLEX));
static_assert(agree(AtomicType::kLongDouble, FI_LONG_DOUBLE) &&
              agree(AtomicType::kLongDoubleComplex, FI_LONG_DOUBLE_COMPLEX));
static_assert(agree(AtomicType::kInt128, FI_INT128) && agree(AtomicType::kUint128, FI_UINT128));
static_assert(agree(AtomicOperation::kMinimum, FI_MIN) && agree(AtomicOperation::kMaximum, FI_MAX));
static_assert(agree(AtomicOperation::kSum, FI_SUM) && agree(AtomicOperation::kProduct, FI_PROD));
static_assert(agree(AtomicOperation::kLogicalOr, FI_LOR) && agree(AtomicOperation::kLogicalAnd, FI_LAND));
static_assert(agree(AtomicOperation::kBitOr, FI_BOR) && agree(AtomicOperation::kBitAnd, FI_BAND));
static_assert(agree(AtomicOperation::kLogicalXor, FI_LXOR) && agree(AtomicOperation::kBitXor, FI_BXOR));
static_assert(agree(AtomicOperation::kRead, FI_ATOMIC_READ) && agree(AtomicOperation::kWrite, FI_ATOMIC_WRITE));
static_assert(agree(AtomicOperation::kSwapIfEqual, FI_CSWAP) && agree(AtomicOperation::kSwapIfNotEqual, FI_CSWAP_NE));
static_assert(agree(AtomicOperation::kSwapIfLessOrEqual, FI_CSWAP_LE) &&
              agree(AtomicOperation::kSwapIfLess, FI_CSWAP_LT));
static_assert(agree(AtomicOperation::kSwapIfGreaterOrEqual, FI_CSWAP_GE) &&
              agree(AtomicOperation::kSwapIfGreater, FI_CSWAP_GT));
static_assert(agree(AtomicOperation::kMaskedSwap, FI_MSWAP));
#ifdef FI_XPU  // libfabric 2.6 has them all
static_assert(agree(AtomicType::kFloat16, FI_FLOAT16) && agree(AtomicType::kBfloat16, FI_BFLOAT16));
static_assert(agree(AtomicType::kFloat8E4m3, FI_FLOAT8_E4M3) && agree(AtomicType::kFloat8E5m2, FI_FLOAT8_E5M2));
static_assert(agree(AtomicOperation::kDifference, FI_DIFF));
#endif

}  // namespace

std::size_t max_atomic_count(AtomicClass family, fi_datatype datatype, fi_op op) noexcept {
  const AtomicType type = atomic_type(datatype);
  return atomic_served(family, type, atomic_operation(op)) ? kMaxAtomicSize / atomic_size(type) : 0;
}

// FI_TAGGED, an atomic operation on a receive's buffer, is not served.
int query_atomic(fid_domain*, fi_datatype datatype, fi_op op, fi_atomic_attr* attr, std::uint64_t flags) noexcept {
  if ((flags & ~(FI_FETCH_ATOMIC | FI_COMPARE_ATOMIC | FI_TAGGED)) != 0) return -FI_EBADFLAGS;
  if ((flags & FI_TAGGED) != 0) return -FI_EOPNOTSUPP;
  if (flags == (FI_FETCH_ATOMIC | FI_COMPARE_ATOMIC) || attr == nullptr) return -FI_EINVAL;
  const AtomicClass family = flags == 0                 ? AtomicClass::kBase
                             : flags == FI_FETCH_ATOMIC ? AtomicClass::kFetch
                                                        : AtomicClass::kCompare;
  const std::size_t count = max_atomic_count(family, datatype, op);
  if (count == 0) return -FI_EOPNOTSUPP;
  attr->count = count;
  attr->size = atomic_size(atomic_type(datatype));
  return 0;
}

}  // namespace anchor
