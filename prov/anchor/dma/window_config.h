// SPDX-License-Identifier: BSD-2-Clause
// What one host knows of a window: where each host's partition of it lies, which one is ours, and how long a silent
// host is waited for. Read from a small file; anchor_window(1) is its documentation.
//
// Thread-safe, stateless.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dma/memory_type.h"
#include "os/clock.h"

namespace anchor {

inline constexpr std::uint32_t kMaxWindowHosts = 16;

// A range of something that can be mapped: a file, a PCI BAR's resource file, a dax device.
struct WindowPlace {
  std::string path;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

struct WindowConfig {
  std::vector<WindowPlace> partitions;  // by host
  std::uint32_t host = 0;               // which is ours
  Milliseconds timeout{2000};           // a host without a heartbeat for so long counts as dead
  MemoryType memory = MemoryType::kCoherent;
  std::string doorbell;  // what our host is rung by, as open_doorbell() takes it; empty: nothing
};

// Fills `config` from the text of a configuration file. False: `*reason` says what is wrong, and in which line.
bool parse_window_config(std::string_view text, WindowConfig* config, std::string* reason);

// The same from the file itself.
bool read_window_config(const std::string& path, WindowConfig* config, std::string* reason);

}  // namespace anchor
