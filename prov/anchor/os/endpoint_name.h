// SPDX-License-Identifier: BSD-2-Clause
// The name of an endpoint: at most 63 characters, zero-padded to 64 bytes, so that it has the same length in every
// process (Open MPI walks all peers' names with the stride of its own).
//
// Form: "anchor://" and then anything printable; the IP forms are "anchor://127.0.0.1:7471" and "anchor://[::1]:7471".
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string_view>

namespace anchor {

inline constexpr std::size_t kNameSize = 64;
inline constexpr std::string_view kNamePrefix = "anchor://";

struct EndpointName {
  std::array<char, kNameSize> bytes{};

  // Requires text.size() < kNameSize; longer text gives an empty name.
  static EndpointName from(std::string_view text) noexcept {
    EndpointName name;
    if (text.size() < kNameSize) std::memcpy(name.bytes.data(), text.data(), text.size());
    return name;
  }

  bool empty() const noexcept { return bytes[0] == '\0'; }
  std::string_view view() const noexcept { return {bytes.data(), strnlen(bytes.data(), kNameSize)}; }

  // Terminated, prefixed, printable and zero behind the end: what a name from a peer must satisfy to be used.
  bool valid() const noexcept {
    const std::string_view text = view();
    if (text.size() >= kNameSize || text.size() <= kNamePrefix.size()) return false;
    if (text.substr(0, kNamePrefix.size()) != kNamePrefix) return false;
    for (std::size_t i = 0; i < kNameSize; ++i) {
      const unsigned char c = static_cast<unsigned char>(bytes[i]);
      if (i < text.size() ? (c < 0x21 || c > 0x7e) : c != 0) return false;
    }
    return true;
  }

  friend bool operator==(const EndpointName&, const EndpointName&) = default;
};
static_assert(sizeof(EndpointName) == kNameSize);

struct EndpointNameHash {
  std::size_t operator()(const EndpointName& name) const noexcept { return std::hash<std::string_view>{}(name.view()); }
};

}  // namespace anchor
