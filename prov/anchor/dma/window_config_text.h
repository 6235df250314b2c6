// SPDX-License-Identifier: BSD-2-Clause
// A window's configuration file as it is written, before it is known whether it makes sense together. Stateless.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "dma/window_config.h"

namespace anchor {

// What the file does not say is 0, empty, or as here.
struct WindowConfigText {
  WindowPlace common;
  std::map<std::uint64_t, WindowPlace> partitions;
  std::uint64_t hosts = 0;
  std::uint64_t host = UINT64_MAX;
  std::optional<std::uint64_t> timeout;
  std::optional<MemoryType> memory;
  std::string doorbell;
};

// False: `*reason` says what is wrong, and in which line.
bool parse_lines(std::string_view text, WindowConfigText* written, std::string* reason);

}  // namespace anchor
