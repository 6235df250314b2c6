// SPDX-License-Identifier: BSD-2-Clause
// The datatypes and operations of fi_atomic(3). They have libfabric's values, so that abi/ casts them;
// abi/atomic_query.cpp asserts that the two agree (nothing below abi/ includes a fabric header). Values on the wire,
// too: FORMAT.md.
#pragma once

#include <cstddef>
#include <cstdint>

namespace anchor {

enum class AtomicType : std::uint8_t {
  kInt8,
  kUint8,
  kInt16,
  kUint16,
  kInt32,
  kUint32,
  kInt64,
  kUint64,
  kFloat,
  kDouble,
  kFloatComplex,
  kDoubleComplex,
  kLongDouble,
  kLongDoubleComplex,
  kInt128,
  kUint128,
  // From libfabric 2.0 on.
  kFloat16,
  kBfloat16,
  kFloat8E4m3,
  kFloat8E5m2,
};
inline constexpr std::size_t kAtomicTypeCount = 20;

enum class AtomicOperation : std::uint8_t {
  kMinimum,
  kMaximum,
  kSum,
  kProduct,
  kLogicalOr,
  kLogicalAnd,
  kBitOr,
  kBitAnd,
  kLogicalXor,
  kBitXor,
  kRead,
  kWrite,
  kSwapIfEqual,
  kSwapIfNotEqual,
  kSwapIfLessOrEqual,  // "if compare is less than or equal to the target", and so on
  kSwapIfLess,
  kSwapIfGreaterOrEqual,
  kSwapIfGreater,
  kMaskedSwap,
  kDifference,  // from libfabric 2.0 on
};
inline constexpr std::size_t kAtomicOperationCount = 20;

// The three families of calls.
enum class AtomicClass : std::uint8_t {
  kBase,
  kFetch,    // answered with the former values
  kCompare,  // likewise, and takes values to compare with
};
inline constexpr std::size_t kAtomicClassCount = 3;

}  // namespace anchor
