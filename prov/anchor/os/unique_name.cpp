// SPDX-License-Identifier: BSD-2-Clause
#include "os/unique_name.h"

#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "os/random_identity.h"

namespace anchor {
namespace {

constexpr std::size_t kRandomDigits = 16;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_hexadecimal(char c) noexcept { return is_digit(c) || (c >= 'a' && c <= 'f'); }

}  // namespace

EndpointName unique_name() noexcept {
  char text[kNameSize];
  std::snprintf(text, sizeof text, "%s%d-%016" PRIx64, kNamePrefix.data(), ::getpid(), random_identity());
  return EndpointName::from(text);
}

bool is_unique(const EndpointName& name) noexcept {
  if (!name.valid()) return false;
  const std::string_view text = name.view().substr(kNamePrefix.size());
  const std::size_t dash = text.find('-');
  if (dash == 0 || dash == text.npos || text.size() - dash - 1 != kRandomDigits) return false;
  return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(dash), is_digit) &&
         std::all_of(text.end() - kRandomDigits, text.end(), is_hexadecimal);
}

}  // namespace anchor
