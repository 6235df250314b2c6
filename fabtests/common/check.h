// SPDX-License-Identifier: BSD-2-Clause
// Assertions of the multi-process tests: each prints what was expected and what was got.
//
// CHECK* note a failure and go on; REQUIRE* give up the role by throwing Abandoned. Usable from any thread, but only
// the role's main thread may let Abandoned escape.
#pragma once

#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>

namespace anchor::fabtests {

// Thrown by REQUIRE*: the failure was already noted.
struct Abandoned {};

// Thrown by skip(): the test cannot be carried out with this provider or on this machine.
struct Skipped {
  std::string reason;
};

struct Place {
  const char* file;
  int line;
};

void note_failure(Place place, const std::string& text);
int failure_count() noexcept;
[[noreturn]] void abandon();
[[noreturn]] void skip(std::string reason);

// A number with libfabric's error text where it looks like a return code.
std::string describe_code(long long value);

template <class T>
std::string describe(const T& value) {
  if constexpr (std::is_enum_v<T>) {
    return describe(static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (std::is_same_v<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
    return describe_code(static_cast<long long>(value));
  } else if constexpr (std::is_integral_v<T>) {
    std::ostringstream out;
    out << +value << " (0x" << std::hex << +value << ")";
    return out.str();
  } else {
    std::ostringstream out;
    out << value;
    return out.str();
  }
}

template <class Got, class Want>
bool equal(const Got& got, const Want& want) {
  if constexpr (std::is_integral_v<Got> && std::is_integral_v<Want>) {
    return static_cast<std::common_type_t<Got, Want>>(got) == static_cast<std::common_type_t<Got, Want>>(want);
  } else {
    return got == want;
  }
}

template <class Got, class Want>
bool check_equal(Place place, std::string_view text, const Got& got, const Want& want) {
  if (equal(got, want)) return true;
  note_failure(place, std::string(text) + ": expected " + describe(want) + ", got " + describe(got));
  return false;
}

bool check_true(Place place, std::string_view text, bool holds);

// Return codes: zero or a positive count is success.
bool check_success(Place place, std::string_view text, long long code);

}  // namespace anchor::fabtests

#define FABTESTS_PLACE \
  ::anchor::fabtests::Place { __FILE__, __LINE__ }
#define CHECK(condition) ::anchor::fabtests::check_true(FABTESTS_PLACE, #condition, static_cast<bool>(condition))
#define CHECK_EQ(got, want) ::anchor::fabtests::check_equal(FABTESTS_PLACE, #got, (got), (want))
#define CHECK_OK(call) ::anchor::fabtests::check_success(FABTESTS_PLACE, #call, (call))
#define REQUIRE(condition) (CHECK(condition) ? void() : ::anchor::fabtests::abandon())
#define REQUIRE_EQ(got, want) (CHECK_EQ(got, want) ? void() : ::anchor::fabtests::abandon())
#define REQUIRE_OK(call) (CHECK_OK(call) ? void() : ::anchor::fabtests::abandon())
