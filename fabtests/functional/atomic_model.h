// SPDX-License-Identifier: BSD-2-Clause
// fi_atomic(3)'s statements on local variables, for comparison with what a provider does.
#pragma once

#include <rdma/fi_atomic.h>

#include <complex>
#include <type_traits>

#include "atomics.h"

namespace anchor::fabtests {

__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 Uint128;

inline constexpr int kDifference = 19;  // FI_DIFF of libfabric 2.x

template <class T>
inline constexpr bool kIsComplex = false;
template <class T>
inline constexpr bool kIsComplex<std::complex<T>> = true;
template <class T>
inline constexpr bool kHasBits = !kIsComplex<T> && !std::is_floating_point_v<T>;

// Integers wrap round: as unsigned ones of the greatest size they do not overflow.
template <class T>
using Wide = std::conditional_t<kHasBits<T>, Uint128, T>;

// Whether the operation is one of this family's for this type.
template <class T>
bool model_has(Family family, int op) {
  const bool swaps = op >= FI_CSWAP && op <= FI_MSWAP;
  if (swaps != (family == Family::kCompare) || (op == FI_ATOMIC_READ && family != Family::kFetch)) return false;
  switch (op) {
    case FI_BOR:
    case FI_BAND:
    case FI_BXOR:
    case FI_MSWAP:
      return kHasBits<T>;
    case FI_MIN:
    case FI_MAX:
    case FI_CSWAP_LE:
    case FI_CSWAP_LT:
    case FI_CSWAP_GE:
    case FI_CSWAP_GT:
      return !kIsComplex<T>;
    default:
      return true;
  }
}

template <class T>
T model_of_ordered(int op, T addr, T buf, T compare) {
  const bool replaces = op == FI_MIN        ? buf < addr
                        : op == FI_MAX      ? buf > addr
                        : op == FI_CSWAP_LE ? compare <= addr
                        : op == FI_CSWAP_LT ? compare < addr
                        : op == FI_CSWAP_GE ? compare >= addr
                                            : compare > addr;
  return replaces ? buf : addr;
}

template <class T>
T model_of_bits(int op, T addr, T buf, T compare) {
  if (op == FI_BOR) return static_cast<T>(addr | buf);
  if (op == FI_BAND) return static_cast<T>(addr & buf);
  if (op == FI_BXOR) return static_cast<T>(addr ^ buf);
  return static_cast<T>((buf & compare) | (addr & ~compare));
}

// Requires: some family has the operation.
template <class T>
T model_of(int op, T addr, T buf, T compare) {
  const bool here = addr != T(0), there = buf != T(0);
  switch (op) {
    case FI_SUM:
      return static_cast<T>(Wide<T>(addr) + Wide<T>(buf));
    case kDifference:
      return static_cast<T>(Wide<T>(addr) - Wide<T>(buf));
    case FI_PROD:
      return static_cast<T>(Wide<T>(addr) * Wide<T>(buf));
    case FI_LOR:
      return T(here || there ? 1 : 0);
    case FI_LAND:
      return T(here && there ? 1 : 0);
    case FI_LXOR:
      return T(here != there ? 1 : 0);
    case FI_ATOMIC_READ:
      return addr;
    case FI_ATOMIC_WRITE:
      return buf;
    case FI_CSWAP:
      return compare == addr ? buf : addr;
    case FI_CSWAP_NE:
      return compare != addr ? buf : addr;
    case FI_BOR:
    case FI_BAND:
    case FI_BXOR:
    case FI_MSWAP:
      if constexpr (kHasBits<T>) return model_of_bits(op, addr, buf, compare);
      return addr;
    default:
      if constexpr (!kIsComplex<T>) return model_of_ordered(op, addr, buf, compare);
      return addr;
  }
}

}  // namespace anchor::fabtests
