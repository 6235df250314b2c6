// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <cmath>

#include "core/small_float.h"

using namespace anchor;

namespace {

struct Known {
  unsigned bits;
  float value;
};

template <class Small, std::size_t kCount>
void expect_known(const Known (&known)[kCount]) {
  for (const Known& pair : known) {
    cr_assert_eq(static_cast<float>(Small::from_bits(static_cast<decltype(Small().bits())>(pair.bits))), pair.value,
                 "%#x", pair.bits);
    cr_assert_eq(Small(pair.value).bits(), pair.bits, "%g gives %#x", pair.value, Small(pair.value).bits());
  }
}

// Every encoding comes back from the value it stands for; half way between two neighbours goes to the even one, and a
// little beyond half way to the nearer.
template <class Small>
void expect_every_encoding(unsigned first_beyond) {
  using Bits = decltype(Small().bits());
  for (unsigned bits = 0; bits < first_beyond; ++bits) {
    const auto here = static_cast<float>(Small::from_bits(static_cast<Bits>(bits)));
    cr_assert_eq(Small(here).bits(), bits, "%g", here);
    if (bits + 1 == first_beyond) break;
    const auto above = static_cast<float>(Small::from_bits(static_cast<Bits>(bits + 1)));
    cr_assert_lt(here, above);
    const float middle = here + (above - here) / 2;
    cr_assert_eq(Small(middle).bits(), bits + bits % 2, "%g", middle);
    cr_assert_eq(Small(std::nextafterf(middle, 0)).bits(), bits);
    cr_assert_eq(Small(std::nextafterf(middle, INFINITY)).bits(), bits + 1);
    cr_assert_eq(static_cast<float>(Small(-here)), -here);
  }
}

}  // namespace

Test(small_float, known_encodings) {
  expect_known<Float16>(
      {{0, 0}, {0x3c00, 1}, {0xc000, -2}, {0x7bff, 65504}, {0x0001, 0x1p-24f}, {0x3555, 0.33325195f}});
  expect_known<Bfloat16>({{0x3f80, 1}, {0x4049, 3.140625f}, {0x7f7f, 0x1.fep127f}, {0x0080, 0x1p-126f}});
  expect_known<Float8E4m3>({{0x38, 1}, {0x7e, 448}, {0x01, 0x1p-9f}, {0x08, 0x1p-6f}, {0xb8, -1}});
  expect_known<Float8E5m2>({{0x3c, 1}, {0x7b, 57344}, {0x01, 0x1p-16f}, {0x04, 0x1p-14f}});
}

Test(small_float, every_encoding_and_what_lies_between) {
  expect_every_encoding<Float16>(0x7c00);
  expect_every_encoding<Bfloat16>(0x7f80);
  expect_every_encoding<Float8E4m3>(0x7f);
  expect_every_encoding<Float8E5m2>(0x7c);
}

Test(small_float, beyond_the_largest) {
  cr_assert_eq(Float16(65519.0f).bits(), 0x7bff);
  cr_assert_eq(Float16(65520.0f).bits(), 0x7c00, "rounds to infinity");
  cr_assert_eq(Float16(-INFINITY).bits(), 0xfc00);
  cr_assert(std::isinf(static_cast<float>(Float16::from_bits(0x7c00))));
  cr_assert_eq(Float8E5m2(1e9f).bits(), 0x7c);
  cr_assert_eq(Float8E4m3(464.0f).bits(), 0x7e, "half way, and even");
  cr_assert_eq(Float8E4m3(465.0f).bits(), 0x7f, "there is no infinity, but a NaN");
  cr_assert_eq(Float8E4m3(-INFINITY).bits(), 0xff);
}

Test(small_float, not_a_number) {
  cr_assert(std::isnan(static_cast<float>(Float16(NAN))));
  cr_assert(std::isnan(static_cast<float>(Bfloat16(NAN))));
  cr_assert(std::isnan(static_cast<float>(Float8E4m3(NAN))));
  cr_assert(std::isnan(static_cast<float>(Float8E5m2::from_bits(0x7d))));
  cr_assert_not(Float16(NAN) == Float16(NAN));
  cr_assert_not(Float16(NAN) < Float16(1.0f));
}

Test(small_float, calculates) {
  cr_assert_eq(static_cast<float>(Float16(1.5f) + Float16(2.25f)), 3.75f);
  cr_assert_eq(static_cast<float>(Float16(1.5f) - Float16(2.25f)), -0.75f);
  cr_assert_eq(static_cast<float>(Float8E4m3(1.5f) * Float8E4m3(2.5f)), 3.75f);
  cr_assert_eq(static_cast<float>(Float16(2048) + Float16(1)), 2048.0f, "the unit is 2 there");
  cr_assert(Float16(0.0f) == Float16(-0.0f));
  cr_assert(Float16(1.0f) <= Float16(1.0f) && Float16(1.0f) >= Float16(1.0f) && Float16(2.0f) > Float16(1.0f));
}
