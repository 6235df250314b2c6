// SPDX-License-Identifier: BSD-2-Clause
// What a window's administrator wants of it: to make a partition ours, and to be told what lies in all of them.
// Behind anchor_window(1). Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dma/window_config.h"
#include "dma/window_partition.h"

namespace anchor {

struct PartitionReport {
  PartitionState state = PartitionState::kInvalid;
  std::string reason;  // of kInvalid
  std::uint64_t generation = 0;
  bool beats = false;         // its host is there
  bool has_doorbell = false;  // and says so, to the first other host
  std::vector<std::string> endpoints;
};

// Empties our own partition, whatever lies there, so that the next process of this host sets it up. -EBUSY: it is in
// use, by processes here or by another machine; -EPROTO: a host that is there has a configuration of other sizes; -EIO
// and others: it cannot be reached. `reason` says so.
int empty_partition(const WindowConfig& config, const std::string& directory, std::string* reason);

// A report of each host's partition, by host; takes some heartbeats' time. False: `reason`.
bool inspect_window(const WindowConfig& config, std::vector<PartitionReport>* reports, std::string* reason);

}  // namespace anchor
