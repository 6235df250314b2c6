// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <cstring>
#include <limits>
#include <thread>
#include <vector>

#include "atomic_model.h"
#include "core/atomic_operation.h"

using namespace anchor;

namespace {

using model::UnsignedWide;
using model::Wide;

template <class T>
std::vector<T> values() {
  if constexpr (std::is_same_v<T, Wide> || std::is_same_v<T, UnsignedWide>) {
    const T high = static_cast<T>(static_cast<UnsignedWide>(1) << 127);
    return {0, 1, 2, static_cast<T>(-1), high, static_cast<T>(~high), static_cast<T>(high >> 60) + 12345, 77};
  } else if constexpr (std::is_integral_v<T>) {
    using Limits = std::numeric_limits<T>;
    return {0, 1, 2, 5, static_cast<T>(-1), static_cast<T>(Limits::min()), Limits::max(), T{0x5a}};
  } else if constexpr (model::kComplex<T>) {
    return {{0, 0}, {1, 0}, {0, -1}, {2.5f, 3.5f}, {-1.25f, 0.5f}, {1, 0}};
  } else {
    return {T(0.0f), T(1.0f), T(-1.0f), T(2.5f), T(-0.75f), T(96.0f), T(0.015625f)};
  }
}

template <class T>
bool same(T a, T b) {
  return a == b || (!(a == a) && !(b == b));  // what overflows a format without infinity is not a number
}

// One element at a time over all triples of values, then all of them as one array, at an aligned and at an odd address.
template <class T>
void expect_as_in_model(AtomicType type, AtomicOperation operation) {
  std::vector<T> targets, operands, compares, expected;
  for (const T t : values<T>())
    for (const T o : values<T>())
      for (const T c : values<T>()) {
        targets.push_back(t);
        operands.push_back(o);
        compares.push_back(c);
        expected.push_back(model::next(operation, t, o, c));
      }
  const std::size_t count = targets.size();
  for (const std::size_t shift : {0u, 1u}) {
    std::vector<std::byte> memory(count * sizeof(T) + 2 * sizeof(T));
    std::vector<T> results(count);
    std::byte* target = memory.data() + shift;
    std::memcpy(target, targets.data(), count * sizeof(T));
    apply_atomic(
        type, operation,
        {target, reinterpret_cast<const std::byte*>(operands.data()),
         reinterpret_cast<const std::byte*>(compares.data()), reinterpret_cast<std::byte*>(results.data()), count});
    for (std::size_t i = 0; i < count; ++i) {
      T after;
      std::memcpy(&after, target + i * sizeof(T), sizeof(T));
      cr_assert(same(after, expected[i]), "type %d operation %d case %zu shift %zu", static_cast<int>(type),
                static_cast<int>(operation), i, shift);
      cr_assert(same(results[i], targets[i]), "the former value is the result");
    }
    for (std::size_t i = shift + count * sizeof(T); i < memory.size(); ++i)
      cr_assert_eq(memory[i], std::byte{0}, "nothing behind the array is touched");
  }
}

enum Kind { kInteger, kReal, kComplexNumber };

// By the man page, not by our tables.
bool exists(Kind kind, AtomicOperation operation) {
  switch (operation) {
    case AtomicOperation::kBitOr:
    case AtomicOperation::kBitAnd:
    case AtomicOperation::kBitXor:
    case AtomicOperation::kMaskedSwap:
      return kind == kInteger;
    case AtomicOperation::kMinimum:
    case AtomicOperation::kMaximum:
    case AtomicOperation::kSwapIfLessOrEqual:
    case AtomicOperation::kSwapIfLess:
    case AtomicOperation::kSwapIfGreaterOrEqual:
    case AtomicOperation::kSwapIfGreater:
      return kind != kComplexNumber;
    default:
      return true;
  }
}

bool served_at_all(AtomicType type, AtomicOperation operation) {
  for (const AtomicClass family : {AtomicClass::kBase, AtomicClass::kFetch, AtomicClass::kCompare})
    if (atomic_served(family, type, operation)) return true;
  return false;
}

template <class T>
void expect_type(AtomicType type, Kind kind) {
  cr_assert_eq(atomic_size(type), sizeof(T));
  for (std::size_t i = 0; i < kAtomicOperationCount; ++i) {
    const auto operation = static_cast<AtomicOperation>(i);
    cr_assert_eq(served_at_all(type, operation), exists(kind, operation), "type %d operation %zu",
                 static_cast<int>(type), i);
    if (exists(kind, operation)) expect_as_in_model<T>(type, operation);
  }
}

std::byte* bytes_of(void* address) { return static_cast<std::byte*>(address); }

}  // namespace

Test(atomic_operation, integers) {
  expect_type<std::int8_t>(AtomicType::kInt8, kInteger);
  expect_type<std::uint8_t>(AtomicType::kUint8, kInteger);
  expect_type<std::int16_t>(AtomicType::kInt16, kInteger);
  expect_type<std::uint16_t>(AtomicType::kUint16, kInteger);
  expect_type<std::int32_t>(AtomicType::kInt32, kInteger);
  expect_type<std::uint32_t>(AtomicType::kUint32, kInteger);
  expect_type<std::int64_t>(AtomicType::kInt64, kInteger);
  expect_type<std::uint64_t>(AtomicType::kUint64, kInteger);
  expect_type<Wide>(AtomicType::kInt128, kInteger);
  expect_type<UnsignedWide>(AtomicType::kUint128, kInteger);
}

Test(atomic_operation, real_numbers) {
  expect_type<float>(AtomicType::kFloat, kReal);
  expect_type<double>(AtomicType::kDouble, kReal);
  expect_type<long double>(AtomicType::kLongDouble, kReal);
  expect_type<Float16>(AtomicType::kFloat16, kReal);
  expect_type<Bfloat16>(AtomicType::kBfloat16, kReal);
  expect_type<Float8E4m3>(AtomicType::kFloat8E4m3, kReal);
  expect_type<Float8E5m2>(AtomicType::kFloat8E5m2, kReal);
}

Test(atomic_operation, complex_numbers) {
  expect_type<std::complex<float>>(AtomicType::kFloatComplex, kComplexNumber);
  expect_type<std::complex<double>>(AtomicType::kDoubleComplex, kComplexNumber);
  expect_type<std::complex<long double>>(AtomicType::kLongDoubleComplex, kComplexNumber);
}

Test(atomic_operation, families) {
  for (std::size_t i = 0; i < kAtomicOperationCount; ++i) {
    const auto operation = static_cast<AtomicOperation>(i);
    const bool compares = operation >= AtomicOperation::kSwapIfEqual && operation <= AtomicOperation::kMaskedSwap;
    const bool reads = operation == AtomicOperation::kRead;
    cr_assert_eq(atomic_served(AtomicClass::kBase, AtomicType::kUint64, operation), !compares && !reads);
    cr_assert_eq(atomic_served(AtomicClass::kFetch, AtomicType::kUint64, operation), !compares);
    cr_assert_eq(atomic_served(AtomicClass::kCompare, AtomicType::kUint64, operation), compares);
  }
}

Test(atomic_operation, numbers_that_mean_nothing) {
  cr_assert_not(atomic_served(AtomicClass::kBase, static_cast<AtomicType>(kAtomicTypeCount), AtomicOperation::kSum));
  cr_assert_not(atomic_served(AtomicClass::kBase, static_cast<AtomicType>(255), AtomicOperation::kSum));
  cr_assert_not(atomic_served(AtomicClass::kBase, AtomicType::kInt8, static_cast<AtomicOperation>(255)));
  cr_assert_not(atomic_served(static_cast<AtomicClass>(3), AtomicType::kInt8, AtomicOperation::kSum));
  cr_assert_eq(atomic_size(static_cast<AtomicType>(kAtomicTypeCount)), 0u);
}

Test(atomic_operation, a_read_needs_no_operand_and_a_result_is_optional) {
  std::uint32_t target = 7, result = 0, operand = 3;
  apply_atomic(AtomicType::kUint32, AtomicOperation::kRead,
               {bytes_of(&target), nullptr, nullptr, bytes_of(&result), 1});
  cr_assert_eq(result, 7u);
  apply_atomic(AtomicType::kUint32, AtomicOperation::kSum,
               {bytes_of(&target), bytes_of(&operand), nullptr, nullptr, 1});
  cr_assert_eq(target, 10u);
}

Test(atomic_operation, not_a_number_is_compared_as_in_c) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const AtomicOperation operation : {AtomicOperation::kMinimum, AtomicOperation::kMaximum}) {
    double target = 1, operand = nan;
    apply_atomic(AtomicType::kDouble, operation, {bytes_of(&target), bytes_of(&operand), nullptr, nullptr, 1});
    cr_assert_eq(target, 1.0);
  }
  double target = nan, operand = 5, compare = nan;
  apply_atomic(AtomicType::kDouble, AtomicOperation::kSwapIfEqual,
               {bytes_of(&target), bytes_of(&operand), bytes_of(&compare), nullptr, 1});
  cr_assert(target != target);
  apply_atomic(AtomicType::kDouble, AtomicOperation::kSwapIfNotEqual,
               {bytes_of(&target), bytes_of(&operand), bytes_of(&compare), nullptr, 1});
  cr_assert_eq(target, 5.0);
}

// The ten bytes of x87's format are followed by six that mean nothing: none of ours get out there.
Test(atomic_operation, a_long_double_carries_no_strange_bytes) {
  alignas(16) std::byte target[32], operand[32];
  const long double two = 2;
  std::memset(target, 0xff, sizeof target);
  std::memset(operand, 0xff, sizeof operand);
  std::memcpy(target, &two, 10);
  std::memcpy(operand, &two, 10);
  apply_atomic(AtomicType::kLongDouble, AtomicOperation::kSum, {target, operand, nullptr, nullptr, 1});
  long double sum;
  std::memcpy(&sum, target, sizeof sum);
  cr_assert_eq(sum, 4.0L);
  if (std::numeric_limits<long double>::digits == 64)
    for (std::size_t i = 10; i < 16; ++i) cr_assert_eq(target[i], std::byte{0});
}

// Sums of several threads, of types that a CPU adds at once and that it does not, all to the same memory.
Test(atomic_operation, threads_lose_nothing) {
  constexpr int kThreads = 4, kRounds = 20'000;
  alignas(16) std::uint64_t small = 0;
  UnsignedWide large = 0;
  alignas(8) std::byte odd[16] = {};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i)
    threads.emplace_back([&] {
      std::uint64_t one = 1;
      UnsignedWide wide_one = (static_cast<UnsignedWide>(1) << 64) + 1;
      for (int round = 0; round < kRounds; ++round) {
        apply_atomic(AtomicType::kUint64, AtomicOperation::kSum,
                     {bytes_of(&small), bytes_of(&one), nullptr, nullptr, 1});
        __atomic_fetch_add(&small, 1, __ATOMIC_RELAXED);  // as the application's own code does
        apply_atomic(AtomicType::kUint128, AtomicOperation::kSum,
                     {bytes_of(&large), bytes_of(&wide_one), nullptr, nullptr, 1});
        apply_atomic(AtomicType::kUint64, AtomicOperation::kSum, {odd + 3, bytes_of(&one), nullptr, nullptr, 1});
      }
    });
  for (std::thread& thread : threads) thread.join();
  std::uint64_t misaligned;
  std::memcpy(&misaligned, odd + 3, sizeof misaligned);
  cr_assert_eq(small, 2ull * kThreads * kRounds);
  cr_assert_eq(misaligned, 1ull * kThreads * kRounds);
  cr_assert(large == ((static_cast<UnsignedWide>(1) << 64) + 1) * (kThreads * kRounds));
}
