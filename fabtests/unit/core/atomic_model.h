// SPDX-License-Identifier: BSD-2-Clause
// What fi_atomic(3) says of each operation, written down once more and differently: values are widened before they are
// calculated with, complex numbers are pairs, and the statements of the man page stand as they are.
#pragma once

#include <complex>
#include <cstdint>
#include <type_traits>

#include "core/atomic_types.h"
#include "core/small_float.h"

namespace anchor::model {

__extension__ typedef __int128 Wide;
__extension__ typedef unsigned __int128 UnsignedWide;

template <class T>
inline constexpr bool kSmall = std::is_same_v<T, Float16> || std::is_same_v<T, Bfloat16> ||
                               std::is_same_v<T, Float8E4m3> || std::is_same_v<T, Float8E5m2>;
template <class T>
inline constexpr bool kComplex = std::is_same_v<T, std::complex<float>> || std::is_same_v<T, std::complex<double>> ||
                                 std::is_same_v<T, std::complex<long double>>;
template <class T>
inline constexpr bool kBits = std::is_integral_v<T> || std::is_same_v<T, Wide> || std::is_same_v<T, UnsignedWide>;

// Any type wide enough to calculate in without losing what is kept in the end.
template <class T>
auto widen(T value) {
  if constexpr (kBits<T>) return static_cast<UnsignedWide>(value);
  if constexpr (kSmall<T>) return static_cast<double>(static_cast<float>(value));
  if constexpr (!kBits<T> && !kSmall<T>) return value;
}
template <class T, class Value>
T narrow(Value value) {
  if constexpr (kSmall<T>) return T(static_cast<float>(value));
  if constexpr (!kSmall<T>) return static_cast<T>(value);
}

template <class T>
bool is_true(T value) {
  if constexpr (kComplex<T>) return value.real() != 0 || value.imag() != 0;
  if constexpr (kSmall<T>) return static_cast<float>(value) != 0;
  if constexpr (!kComplex<T> && !kSmall<T>) return value ? true : false;
}
template <class T>
T from_bool(bool value) {
  if constexpr (kSmall<T>) return T(value);
  if constexpr (!kSmall<T>) return static_cast<T>(value ? 1 : 0);
}

template <class T>
T multiply(T a, T b) {
  if constexpr (kComplex<T>)
    return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
  if constexpr (!kComplex<T>) return narrow<T>(widen(a) * widen(b));
}

// `addr`, `buf` and `compare` are fi_atomic(3)'s names.
template <class T>
T ordered(AtomicOperation operation, T addr, T buf, T compare) {
  switch (operation) {
    case AtomicOperation::kMinimum:
      if (buf < addr) addr = buf;
      return addr;
    case AtomicOperation::kMaximum:
      if (buf > addr) addr = buf;
      return addr;
    case AtomicOperation::kSwapIfLessOrEqual:
      if (compare <= addr) addr = buf;
      return addr;
    case AtomicOperation::kSwapIfLess:
      if (compare < addr) addr = buf;
      return addr;
    case AtomicOperation::kSwapIfGreaterOrEqual:
      if (compare >= addr) addr = buf;
      return addr;
    case AtomicOperation::kSwapIfGreater:
      if (compare > addr) addr = buf;
      return addr;
    default:
      return addr;
  }
}

template <class T>
T bitwise(AtomicOperation operation, T addr, T buf, T compare) {
  switch (operation) {
    case AtomicOperation::kBitOr:
      return static_cast<T>(addr | buf);
    case AtomicOperation::kBitAnd:
      return static_cast<T>(addr & buf);
    case AtomicOperation::kBitXor:
      return static_cast<T>(addr ^ buf);
    case AtomicOperation::kMaskedSwap:
      return static_cast<T>((buf & compare) | (addr & ~compare));
    default:
      return addr;
  }
}

template <class T>
T next(AtomicOperation operation, T addr, T buf, T compare) {
  switch (operation) {
    case AtomicOperation::kSum:
      return narrow<T>(widen(addr) + widen(buf));
    case AtomicOperation::kDifference:
      return narrow<T>(widen(addr) - widen(buf));
    case AtomicOperation::kProduct:
      return multiply(addr, buf);
    case AtomicOperation::kLogicalOr:
      return from_bool<T>(is_true(addr) || is_true(buf));
    case AtomicOperation::kLogicalAnd:
      return from_bool<T>(is_true(addr) && is_true(buf));
    case AtomicOperation::kLogicalXor:
      return from_bool<T>((is_true(addr) && !is_true(buf)) || (!is_true(addr) && is_true(buf)));
    case AtomicOperation::kRead:
      return addr;
    case AtomicOperation::kWrite:
      return buf;
    case AtomicOperation::kSwapIfEqual:
      return compare == addr ? buf : addr;
    case AtomicOperation::kSwapIfNotEqual:
      return compare != addr ? buf : addr;
    default:
      if constexpr (!kComplex<T>) addr = ordered(operation, addr, buf, compare);
      if constexpr (kBits<T>) addr = bitwise(operation, addr, buf, compare);
      return addr;
  }
}

}  // namespace anchor::model
