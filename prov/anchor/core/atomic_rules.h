// SPDX-License-Identifier: BSD-2-Clause
// What each operation of fi_atomic(3) makes of one element: from the target's value `t`, the operand `o` and the value
// to compare with `c` to the new value. Pure; for atomic_operation.cpp alone.
#pragma once

#include <complex>
#include <cstdint>
#include <type_traits>

namespace anchor::atomic_rules {

__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 Uint128;

template <class T>
inline constexpr bool kIsInteger = std::is_integral_v<T> || std::is_same_v<T, Int128> || std::is_same_v<T, Uint128>;
template <class T>
inline constexpr bool kIsComplex = false;
template <class Real>
inline constexpr bool kIsComplex<std::complex<Real>> = true;

// Integers wrap round; unsigned arithmetic does so without being undefined.
template <class T>
using Arithmetic =
    std::conditional_t<!kIsInteger<T>, T, std::conditional_t<sizeof(T) == sizeof(Uint128), Uint128, std::uint64_t>>;

template <class T>
bool truth(T value) noexcept {
  return !(value == T{});
}

template <class T>
T truth_value(bool value) noexcept {
  if constexpr (kIsInteger<T>) return static_cast<T>(value);
  if constexpr (!kIsInteger<T>) return T(value ? 1.0f : 0.0f);
}

struct Minimum {
  template <class T>
  static T next(T t, T o, T) noexcept {
    return o < t ? o : t;
  }
};
struct Maximum {
  template <class T>
  static T next(T t, T o, T) noexcept {
    return o > t ? o : t;
  }
};
struct Sum {
  template <class T>
  static T next(T t, T o, T) noexcept {
    return static_cast<T>(static_cast<Arithmetic<T>>(t) + static_cast<Arithmetic<T>>(o));
  }
};
struct Difference {
  template <class T>
  static T next(T t, T o, T) noexcept {
    return static_cast<T>(static_cast<Arithmetic<T>>(t) - static_cast<Arithmetic<T>>(o));
  }
};
struct Product {
  template <class T>
  static T next(T t, T o, T) noexcept {
    return static_cast<T>(static_cast<Arithmetic<T>>(t) * static_cast<Arithmetic<T>>(o));
  }
};
struct LogicalOr {
  template <class T>
  static T next(T t, T o, T) noexcept {
    return truth_value<T>(truth(t) || truth(o));
  }
};
struct LogicalAnd {
  template <class T>
  static T next(T t, T o, T) noexcept {
    return truth_value<T>(truth(t) && truth(o));
  }
};
struct LogicalXor {
  template <class T>
  static T next(T t, T o, T) noexcept {
    return truth_value<T>(truth(t) != truth(o));
  }
};
struct BitOr {
  template <class T>
  static T next(T t, T o, T) noexcept {
    return static_cast<T>(t | o);
  }
};
struct BitAnd {
  template <class T>
  static T next(T t, T o, T) noexcept {
    return static_cast<T>(t & o);
  }
};
struct BitXor {
  template <class T>
  static T next(T t, T o, T) noexcept {
    return static_cast<T>(t ^ o);
  }
};
struct Read {
  template <class T>
  static T next(T t, T, T) noexcept {
    return t;
  }
};
struct Write {
  template <class T>
  static T next(T, T o, T) noexcept {
    return o;
  }
};
struct SwapIfEqual {
  template <class T>
  static T next(T t, T o, T c) noexcept {
    return c == t ? o : t;
  }
};
struct SwapIfNotEqual {
  template <class T>
  static T next(T t, T o, T c) noexcept {
    return c == t ? t : o;
  }
};
struct SwapIfLessOrEqual {
  template <class T>
  static T next(T t, T o, T c) noexcept {
    return c <= t ? o : t;
  }
};
struct SwapIfLess {
  template <class T>
  static T next(T t, T o, T c) noexcept {
    return c < t ? o : t;
  }
};
struct SwapIfGreaterOrEqual {
  template <class T>
  static T next(T t, T o, T c) noexcept {
    return c >= t ? o : t;
  }
};
struct SwapIfGreater {
  template <class T>
  static T next(T t, T o, T c) noexcept {
    return c > t ? o : t;
  }
};
struct MaskedSwap {
  template <class T>
  static T next(T t, T o, T c) noexcept {
    return static_cast<T>((o & c) | (t & ~c));
  }
};

}  // namespace anchor::atomic_rules
