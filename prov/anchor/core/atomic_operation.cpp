// SPDX-License-Identifier: BSD-2-Clause
#include "core/atomic_operation.h"

#include <array>
#include <bit>
#include <complex>
#include <cstdint>
#include <cstring>
#include <limits>
#include <mutex>
#include <type_traits>

#include "core/atomic_rules.h"
#include "core/small_float.h"

namespace anchor {
namespace {

using namespace atomic_rules;

// An element as bytes. Those of a long double that carry no value are zero: what stands there otherwise is whatever
// our stack held before.
template <class T>
struct Stored {
  std::byte bytes[sizeof(T)];
  bool operator==(const Stored&) const = default;
};

template <class T>
Stored<T> stored(T value) noexcept {
  return std::bit_cast<Stored<T>>(value);
}
template <>
Stored<long double> stored(long double value) noexcept {
  constexpr int kX87Digits = 64;
  constexpr std::size_t kX87Bytes = 10;
  Stored<long double> made{};
  std::memcpy(made.bytes, &value,
              std::numeric_limits<long double>::digits == kX87Digits ? kX87Bytes : sizeof(long double));
  return made;
}
template <>
Stored<std::complex<long double>> stored(std::complex<long double> value) noexcept {
  const Stored<long double> parts[2] = {stored(value.real()), stored(value.imag())};
  return std::bit_cast<Stored<std::complex<long double>>>(parts);
}

template <class T>
T element(const std::byte* array, std::size_t index) noexcept {
  T value{};
  if (array != nullptr) std::memcpy(&value, array + index * sizeof(T), sizeof(T));
  return value;
}

template <class T>
void put_result(const AtomicElements& elements, std::size_t index, T value) noexcept {
  if (elements.result == nullptr) return;
  const Stored<T> bytes = stored(value);
  std::memcpy(elements.result + index * sizeof(T), &bytes, sizeof bytes);
}

// Under the process's lock alone: elements that no instruction changes at once.
template <class T, class Rule>
void apply_plainly(const AtomicElements& elements) noexcept {
  for (std::size_t i = 0; i < elements.count; ++i) {
    const T before = element<T>(elements.target, i);
    const Stored<T> after =
        stored(Rule::next(before, element<T>(elements.operand, i), element<T>(elements.compare, i)));
    if (!(after == stored(before))) std::memcpy(elements.target + i * sizeof(T), &after, sizeof after);
    put_result(elements, i, before);
  }
}

template <std::size_t kSize>
using Word = std::conditional_t<
    kSize == 1, std::uint8_t,
    std::conditional_t<kSize == 2, std::uint16_t, std::conditional_t<kSize == 4, std::uint32_t, std::uint64_t>>>;

// The memory is the application's, of whatever type it says.
template <class T, class Rule>
void apply_by_instruction(const AtomicElements& elements) noexcept {
  using Bits = Word<sizeof(T)>;
  typedef Bits __attribute__((may_alias)) Place;
  static_assert(__atomic_always_lock_free(sizeof(Place), nullptr));
  auto* places = reinterpret_cast<Place*>(elements.target);
  for (std::size_t i = 0; i < elements.count; ++i) {
    const T operand = element<T>(elements.operand, i);
    const T compare = element<T>(elements.compare, i);
    Bits before = __atomic_load_n(&places[i], __ATOMIC_ACQUIRE);
    Bits after;
    do {  // ends: each failure is somebody else's success
      after = std::bit_cast<Bits>(Rule::next(std::bit_cast<T>(before), operand, compare));
    } while (after != before &&
             !__atomic_compare_exchange_n(&places[i], &before, after, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
    put_result(elements, i, std::bit_cast<T>(before));
  }
}

template <class T, class Rule>
void apply(const AtomicElements& elements) noexcept {
  if constexpr (sizeof(T) <= sizeof(std::uint64_t))
    if (reinterpret_cast<std::uintptr_t>(elements.target) % sizeof(T) == 0) [[likely]]
      return apply_by_instruction<T, Rule>(elements);
  apply_plainly<T, Rule>(elements);
}

using Function = void (*)(const AtomicElements&) noexcept;

struct Row {
  std::size_t size = 0;
  std::array<Function, kAtomicOperationCount> functions{};  // nullptr: not for this type
};

// fi_atomic(3): complex numbers have no order, and only integers have bits.
template <class T>
constexpr Row row() noexcept {
  Row made;
  made.size = sizeof(T);
  const auto set = [&](AtomicOperation operation, Function function) {
    made.functions[static_cast<std::size_t>(operation)] = function;
  };
  set(AtomicOperation::kSum, apply<T, Sum>);
  set(AtomicOperation::kDifference, apply<T, Difference>);
  set(AtomicOperation::kProduct, apply<T, Product>);
  set(AtomicOperation::kLogicalOr, apply<T, LogicalOr>);
  set(AtomicOperation::kLogicalAnd, apply<T, LogicalAnd>);
  set(AtomicOperation::kLogicalXor, apply<T, LogicalXor>);
  set(AtomicOperation::kRead, apply<T, Read>);
  set(AtomicOperation::kWrite, apply<T, Write>);
  set(AtomicOperation::kSwapIfEqual, apply<T, SwapIfEqual>);
  set(AtomicOperation::kSwapIfNotEqual, apply<T, SwapIfNotEqual>);
  if constexpr (!kIsComplex<T>) {
    set(AtomicOperation::kMinimum, apply<T, Minimum>);
    set(AtomicOperation::kMaximum, apply<T, Maximum>);
    set(AtomicOperation::kSwapIfLessOrEqual, apply<T, SwapIfLessOrEqual>);
    set(AtomicOperation::kSwapIfLess, apply<T, SwapIfLess>);
    set(AtomicOperation::kSwapIfGreaterOrEqual, apply<T, SwapIfGreaterOrEqual>);
    set(AtomicOperation::kSwapIfGreater, apply<T, SwapIfGreater>);
  }
  if constexpr (kIsInteger<T>) {
    set(AtomicOperation::kBitOr, apply<T, BitOr>);
    set(AtomicOperation::kBitAnd, apply<T, BitAnd>);
    set(AtomicOperation::kBitXor, apply<T, BitXor>);
    set(AtomicOperation::kMaskedSwap, apply<T, MaskedSwap>);
  }
  return made;
}

// In the order of AtomicType.
constexpr std::array<Row, kAtomicTypeCount> kRows{
    row<std::int8_t>(),
    row<std::uint8_t>(),
    row<std::int16_t>(),
    row<std::uint16_t>(),
    row<std::int32_t>(),
    row<std::uint32_t>(),
    row<std::int64_t>(),
    row<std::uint64_t>(),
    row<float>(),
    row<double>(),
    row<std::complex<float>>(),
    row<std::complex<double>>(),
    row<long double>(),
    row<std::complex<long double>>(),
    row<Int128>(),
    row<Uint128>(),
    row<Float16>(),
    row<Bfloat16>(),
    row<Float8E4m3>(),
    row<Float8E5m2>(),
};
static_assert(static_cast<std::size_t>(AtomicType::kFloat8E5m2) + 1 == kAtomicTypeCount);
static_assert(static_cast<std::size_t>(AtomicOperation::kDifference) + 1 == kAtomicOperationCount);

bool belongs(AtomicClass family, AtomicOperation operation) noexcept {
  const bool compares = operation >= AtomicOperation::kSwapIfEqual && operation <= AtomicOperation::kMaskedSwap;
  switch (family) {
    case AtomicClass::kBase:
      return !compares && operation != AtomicOperation::kRead;
    case AtomicClass::kFetch:
      return !compares;
    case AtomicClass::kCompare:
      return compares;
  }
  return false;
}

constinit std::mutex lock;

}  // namespace

std::size_t atomic_size(AtomicType type) noexcept {
  const auto index = static_cast<std::size_t>(type);
  return index < kAtomicTypeCount ? kRows[index].size : 0;
}

bool atomic_served(AtomicClass family, AtomicType type, AtomicOperation operation) noexcept {
  const auto row = static_cast<std::size_t>(type);
  const auto column = static_cast<std::size_t>(operation);
  return row < kAtomicTypeCount && column < kAtomicOperationCount && kRows[row].functions[column] != nullptr &&
         belongs(family, operation);
}

void apply_atomic(AtomicType type, AtomicOperation operation, const AtomicElements& elements) noexcept {
  const std::lock_guard guard(lock);
  kRows[static_cast<std::size_t>(type)].functions[static_cast<std::size_t>(operation)](elements);
}

}  // namespace anchor
