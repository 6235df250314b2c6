// SPDX-License-Identifier: BSD-2-Clause
// Floating point of 16 and 8 bits, which no CPU at hand calculates with: decoded to float, in which every value of
// theirs is exact, and encoded again, rounded to nearest, ties to even.
//
// float has more than twice their precision, so that a sum or product rounded twice is the same as rounded once.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace anchor {

// kFinite: no infinities, and the only NaN has all bits set but the sign (the E4M3 of the OCP 8-bit specification).
template <class Bits, int kExponentBits, int kMantissaBits, bool kFinite>
class SmallFloat {
 public:
  SmallFloat() noexcept = default;
  explicit SmallFloat(float value) noexcept : bits_(encode(value)) {}
  explicit operator float() const noexcept { return decode(bits_); }

  static constexpr SmallFloat from_bits(Bits bits) noexcept {
    SmallFloat made;
    made.bits_ = bits;
    return made;
  }
  constexpr Bits bits() const noexcept { return bits_; }

  friend SmallFloat operator+(SmallFloat a, SmallFloat b) noexcept { return SmallFloat(float(a) + float(b)); }
  friend SmallFloat operator-(SmallFloat a, SmallFloat b) noexcept { return SmallFloat(float(a) - float(b)); }
  friend SmallFloat operator*(SmallFloat a, SmallFloat b) noexcept { return SmallFloat(float(a) * float(b)); }
  friend bool operator==(SmallFloat a, SmallFloat b) noexcept { return float(a) == float(b); }
  friend bool operator<(SmallFloat a, SmallFloat b) noexcept { return float(a) < float(b); }
  friend bool operator<=(SmallFloat a, SmallFloat b) noexcept { return float(a) <= float(b); }
  friend bool operator>(SmallFloat a, SmallFloat b) noexcept { return float(a) > float(b); }
  friend bool operator>=(SmallFloat a, SmallFloat b) noexcept { return float(a) >= float(b); }

 private:
  static constexpr int kBias = (1 << (kExponentBits - 1)) - 1;
  static constexpr unsigned kSign = 1u << (kExponentBits + kMantissaBits);
  static constexpr unsigned kExponentMask = ((1u << kExponentBits) - 1) << kMantissaBits;
  static constexpr unsigned kNan = kFinite ? kSign - 1 : kExponentMask | 1u << (kMantissaBits - 1);
  // What overflows rounds to.
  static constexpr unsigned kOverflow = kFinite ? kNan : kExponentMask;

  static float decode(unsigned bits) noexcept {
    const unsigned magnitude = bits & (kSign - 1);
    const int exponent = static_cast<int>(magnitude >> kMantissaBits);
    const auto mantissa = static_cast<int>(magnitude & ((1u << kMantissaBits) - 1));
    float value;
    if (kFinite ? magnitude == kNan : magnitude > kExponentMask) {
      value = std::numeric_limits<float>::quiet_NaN();
    } else if (!kFinite && magnitude == kExponentMask) {
      value = std::numeric_limits<float>::infinity();
    } else if (exponent == 0) {
      value = std::ldexp(static_cast<float>(mantissa), 1 - kBias - kMantissaBits);
    } else {
      value = std::ldexp(static_cast<float>(mantissa + (1 << kMantissaBits)), exponent - kBias - kMantissaBits);
    }
    return (bits & kSign) != 0 ? -value : value;
  }

  static Bits encode(float value) noexcept {
    const unsigned sign = std::signbit(value) ? kSign : 0;
    return static_cast<Bits>(sign | (std::isnan(value) ? kNan : encode_magnitude(std::fabs(value))));
  }

  static unsigned encode_magnitude(float value) noexcept {
    if (std::isinf(value)) return kOverflow;
    if (value == 0) return 0;
    // In units of the last place: those of the value's binade, or of the subnormal numbers.
    const int exponent = std::max(std::ilogb(value), 1 - kBias);
    const auto units = static_cast<unsigned>(std::nearbyint(std::ldexp(value, kMantissaBits - exponent)));
    // Rounding up to the next binade, or from the subnormal numbers to the normal ones, carries by itself.
    const unsigned magnitude = static_cast<unsigned>(exponent + kBias - 1) * (1u << kMantissaBits) + units;
    constexpr unsigned kLargest = kFinite ? kNan - 1 : kExponentMask - 1;
    return magnitude > kLargest ? kOverflow : magnitude;
  }

  Bits bits_;
};

using Float16 = SmallFloat<std::uint16_t, 5, 10, false>;
using Bfloat16 = SmallFloat<std::uint16_t, 8, 7, false>;
using Float8E4m3 = SmallFloat<std::uint8_t, 4, 3, true>;
using Float8E5m2 = SmallFloat<std::uint8_t, 5, 2, false>;
static_assert(sizeof(Float16) == 2 && sizeof(Bfloat16) == 2 && sizeof(Float8E4m3) == 1 && sizeof(Float8E5m2) == 1);
static_assert(std::is_trivially_copyable_v<Float16>);

}  // namespace anchor
