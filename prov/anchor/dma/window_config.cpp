// SPDX-License-Identifier: BSD-2-Clause
#include "dma/window_config.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>

#include "dma/window_config_text.h"
#include "dma/window_layout.h"
#include "os/cacheline.h"
#include "os/processor_cache.h"

namespace anchor {
namespace {

constexpr std::uint64_t kLeastTimeout = 500;  // several heartbeats
constexpr std::uint64_t kMostTimeout = 24 * 60 * 60 * 1000;

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
bool divide(const WindowConfigText& written, WindowConfig* config, std::string* reason) {
  WindowPlace window = written.common;
  if (window.path.empty()) {
    *reason = "path = ... is missing";
    return false;
  }
  if (window.size == 0 && !find_size(&window, reason)) return false;
  const std::uint64_t part = window.size / written.hosts / kPageSize * kPageSize;
  for (std::uint64_t host = 0; host < written.hosts; ++host)
    config->partitions.push_back({window.path, window.offset + host * part, part});
  return true;
}

bool place_partitions(const WindowConfigText& written, WindowConfig* config, std::string* reason) {
  if (written.partitions.empty()) return divide(written, config, reason);
  for (std::uint64_t host = 0; host < written.hosts; ++host) {
    const auto found = written.partitions.find(host);
    if (found == written.partitions.end() || written.partitions.size() != written.hosts) {
      *reason = "there must be a partition.N for each of the hosts, 0 to " + std::to_string(written.hosts - 1);
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
  WindowConfigText written;
  WindowConfig found;
  reason->clear();
  if (!parse_lines(text, &written, reason)) return false;
  const std::uint64_t timeout = written.timeout.value_or(static_cast<std::uint64_t>(found.timeout.count()));
  if (written.hosts < 2 || written.hosts > kMaxWindowHosts) {
    *reason = "hosts must be 2 to " + std::to_string(kMaxWindowHosts) +
              (written.hosts == 0 ? ", and is missing or 0" : ", not " + std::to_string(written.hosts));
  } else if (written.host >= written.hosts) {
    *reason = "host must be 0 to " + std::to_string(written.hosts - 1) + ", another one on each machine" +
              (written.host == UINT64_MAX ? ", and is missing" : ", not " + std::to_string(written.host));
  } else if (timeout < kLeastTimeout || timeout > kMostTimeout) {
    *reason = "timeout must be " + std::to_string(kLeastTimeout) + " to " + std::to_string(kMostTimeout) + " ms, not " +
              std::to_string(timeout);
  }
  if (!reason->empty() || !place_partitions(written, &found, reason) || !sensible(found, reason) ||
      !choose_memory(written.memory, &found, reason))
    return false;
  found.doorbell = written.doorbell;
  found.host = static_cast<std::uint32_t>(written.host);
  found.timeout = Milliseconds(timeout);
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
