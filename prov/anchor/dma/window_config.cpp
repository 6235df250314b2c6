// SPDX-License-Identifier: BSD-2-Clause
#include "dma/window_config.h"

#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>

#include "dma/doorbell_device.h"
#include "dma/window_layout.h"
#include "os/cacheline.h"
#include "os/processor_cache.h"

namespace anchor {
namespace {

constexpr std::int64_t kLeastTimeout = 500;  // several heartbeats
constexpr std::int64_t kMostTimeout = 24 * 60 * 60 * 1000;

// The file as it is written, before it is known whether it makes sense together.
struct Draft {
  WindowPlace common;
  std::map<std::uint64_t, WindowPlace> partitions;
  std::uint64_t hosts = 0;
  std::uint64_t host = UINT64_MAX;
  std::uint64_t timeout = 2000;
  std::optional<MemoryType> memory;
  std::string doorbell;
};

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  return text;
}

unsigned shift_of(char unit) noexcept {
  switch (unit) {
    case 'K':
      return 10;
    case 'M':
      return 20;
    case 'G':
      return 30;
    default:
      return 0;
  }
}

// Decimal or 0x, perhaps with K, M or G behind it.
bool parse_number(std::string_view text, std::uint64_t* value) noexcept {
  const bool hexadecimal = text.starts_with("0x");
  if (hexadecimal) text.remove_prefix(2);
  const unsigned shift = text.empty() || hexadecimal ? 0 : shift_of(text.back());
  if (shift != 0) text.remove_suffix(1);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, hexadecimal ? 16 : 10);
  if (error != std::errc() || end != text.data() + text.size() || number > UINT64_MAX >> shift) return false;
  *value = number << shift;
  return true;
}

// "PATH [OFFSET [SIZE]]"
bool parse_place(std::string_view text, WindowPlace* place) {
  std::istringstream words{std::string(text)};
  std::string offset, size, rest;
  words >> place->path >> offset >> size >> rest;
  return rest.empty() && !place->path.empty() && (offset.empty() || parse_number(offset, &place->offset)) &&
         (size.empty() || parse_number(size, &place->size));
}

// What is said behind a value that cannot be.
const char* wanted(std::string_view key) noexcept {
  if (key == "doorbell") return ": it is socket:/FOLDER or vfio:0000:00:04.0";
  if (key == "memory") return ": it is coherent, write-combined or non-coherent; for tests, simulated or checked";
  if (key.starts_with("partition.")) return ": it is PATH [OFFSET [SIZE]]";
  return key == "path" ? "" : ": a number, decimal or 0x..., K, M or G behind it";
}

bool take(std::string_view key, std::string_view value, Draft* draft, std::string* reason) {
  bool understood = true;
  if (key == "path") {
    draft->common.path = value;
  } else if (key == "offset") {
    understood = parse_number(value, &draft->common.offset);
  } else if (key == "size") {
    understood = parse_number(value, &draft->common.size);
  } else if (key == "hosts") {
    understood = parse_number(value, &draft->hosts);
  } else if (key == "host") {
    understood = parse_number(value, &draft->host);
  } else if (key == "timeout") {
    understood = parse_number(value, &draft->timeout);
  } else if (key == "memory") {
    understood = parse_memory_type(value, &draft->memory.emplace());
  } else if (key == "doorbell") {
    draft->doorbell = value;
    understood = is_doorbell(draft->doorbell);
  } else if (key.starts_with("partition.")) {
    std::uint64_t host = 0;
    understood = parse_number(key.substr(10), &host) && parse_place(value, &draft->partitions[host]);
  } else {
    *reason = "unknown key " + std::string(key);
    return false;
  }
  if (!understood) *reason = std::string(key) + " cannot be " + std::string(value) + wanted(key);
  return understood;
}

bool parse_lines(std::string_view text, Draft* draft, std::string* reason) {
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    line = trimmed(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    const std::size_t equals = line.find('=');
    std::string why = "a line is KEY = VALUE";
    if (equals == line.npos || !take(trimmed(line.substr(0, equals)), trimmed(line.substr(equals + 1)), draft, &why)) {
      *reason = "line " + std::to_string(number) + ": " + why;
      return false;
    }
  }
  return true;
}

// What is there behind the offset, where the file says so; a device does not.
bool find_size(WindowPlace* place, std::string* reason) {
  struct stat status {};
  if (::stat(place->path.c_str(), &status) != 0) {
    *reason = place->path + ": " + std::strerror(errno);
    return false;
  }
  if (S_ISDIR(status.st_mode)) {
    *reason = place->path + " is a folder: path is a file or device";
    return false;
  }
  const auto there = static_cast<std::uint64_t>(status.st_size);
  if (there <= place->offset) {
    *reason = place->path + " does not tell its size, or ends before the offset: size = ... is needed";
    return false;
  }
  place->size = there - place->offset;
  return true;
}

// One window in equal parts.
bool divide(const Draft& draft, WindowConfig* config, std::string* reason) {
  WindowPlace window = draft.common;
  if (window.path.empty()) {
    *reason = "path = ... is missing";
    return false;
  }
  if (window.size == 0 && !find_size(&window, reason)) return false;
  const std::uint64_t part = window.size / draft.hosts / kPageSize * kPageSize;
  for (std::uint64_t host = 0; host < draft.hosts; ++host)
    config->partitions.push_back({window.path, window.offset + host * part, part});
  return true;
}

bool place_partitions(const Draft& draft, WindowConfig* config, std::string* reason) {
  if (draft.partitions.empty()) return divide(draft, config, reason);
  for (std::uint64_t host = 0; host < draft.hosts; ++host) {
    const auto found = draft.partitions.find(host);
    if (found == draft.partitions.end() || draft.partitions.size() != draft.hosts) {
      *reason = "there must be a partition.N for each of the hosts, 0 to " + std::to_string(draft.hosts - 1);
      return false;
    }
    WindowPlace place = found->second;
    if (place.size == 0 && !find_size(&place, reason)) return false;
    place.size = place.size / kPageSize * kPageSize;
    config->partitions.push_back(place);
  }
  return true;
}

bool sensible(const WindowConfig& config, std::string* reason) {
  const std::uint64_t least = least_partition(config.partitions.size());
  for (const WindowPlace& place : config.partitions) {
    if (place.offset % kPageSize != 0) *reason = "an offset must be a multiple of 4096";
    if (place.size < least)
      *reason = "a partition of " + std::to_string(place.size) + " bytes is too small: at least " +
                std::to_string(least) + " are needed for each host";
    if (place.size > kMostPartition || place.offset > INT64_MAX - place.size)
      *reason = "a partition of " + std::to_string(place.size) + " bytes is too large";
    if (place.size != config.partitions.front().size) *reason = "all partitions must have the same size";
  }
  return reason->empty();
}

// The resourceN_wc that sysfs has beside the resourceN of a PCI device is mapped write-combined.
bool is_write_combined(const WindowPlace& place) noexcept { return place.path.ends_with("_wc"); }

bool choose_memory(const std::optional<MemoryType>& said, WindowConfig* config, std::string* reason) {
  const bool combined = std::any_of(config->partitions.begin(), config->partitions.end(), is_write_combined);
  config->memory = said.value_or(combined ? MemoryType::kWriteCombined : MemoryType::kCoherent);
  if (combined && config->memory != MemoryType::kWriteCombined) {
    *reason = "what ends in _wc is write-combined memory, and no other";
  } else if (config->memory == MemoryType::kNonCoherent && !ProcessorCache::available()) {
    *reason = "this kind of processor is not known to write back its caches: memory cannot be non-coherent";
  }
  return reason->empty();
}

}  // namespace

bool parse_window_config(std::string_view text, WindowConfig* config, std::string* reason) {
  Draft draft;
  WindowConfig found;
  reason->clear();
  if (!parse_lines(text, &draft, reason)) return false;
  if (draft.hosts < 2 || draft.hosts > kMaxWindowHosts) {
    *reason = "hosts must be 2 to " + std::to_string(kMaxWindowHosts) +
              (draft.hosts == 0 ? ", and is missing or 0" : ", not " + std::to_string(draft.hosts));
  } else if (draft.host >= draft.hosts) {
    *reason = "host must be 0 to " + std::to_string(draft.hosts - 1) + ", another one on each machine" +
              (draft.host == UINT64_MAX ? ", and is missing" : ", not " + std::to_string(draft.host));
  } else if (static_cast<std::int64_t>(draft.timeout) < kLeastTimeout ||
             static_cast<std::int64_t>(draft.timeout) > kMostTimeout) {
    *reason = "timeout must be " + std::to_string(kLeastTimeout) + " to " + std::to_string(kMostTimeout) + " ms, not " +
              std::to_string(draft.timeout);
  }
  if (!reason->empty() || !place_partitions(draft, &found, reason) || !sensible(found, reason) ||
      !choose_memory(draft.memory, &found, reason))
    return false;
  found.doorbell = draft.doorbell;
  found.host = static_cast<std::uint32_t>(draft.host);
  found.timeout = Milliseconds(draft.timeout);
  *config = found;
  return true;
}

bool read_window_config(const std::string& path, WindowConfig* config, std::string* reason) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
    *reason = path + ": " + std::strerror(EISDIR);
    return false;
  }
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) {
    *reason = path + ": " + std::strerror(errno != 0 ? errno : EIO);
    return false;
  }
  if (parse_window_config(text.str(), config, reason)) return true;
  *reason = path + ": " + *reason;
  return false;
}

}  // namespace anchor
