// SPDX-License-Identifier: BSD-2-Clause
#include "dma/window_inspect.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "dma/window.h"
#include "os/endpoint_name.h"

namespace anchor {
namespace {

// Long enough that who beats has beaten, on a busy machine, too.
constexpr timespec kSomeBeats{0, 5 * 100'000'000};

std::uint64_t beat_of(const WindowPartition& partition) noexcept {
  const PartitionHeader* header = partition_header(partition.base());
  partition.refresh(*header);
  return header->beat.load(std::memory_order_relaxed);
}

// In what it says to another host of the window: of each, that stands in the other's partition.
bool says_doorbell(WindowPartition (&partitions)[kMaxWindowHosts], std::uint32_t host) noexcept {
  const WindowPartition& other = partitions[host == 0 ? 1 : 0];
  const WindowWord& word = neighbour_page(other.base(), host)->doorbell;
  other.refresh(word);
  return DoorbellWord::is_there(word.load(std::memory_order_relaxed));
}

std::string name_in(const DirectoryEntry& entry) {
  EndpointName name;
  std::uint64_t words[8];
  for (std::size_t i = 0; i < 8; ++i) words[i] = entry.name[i].load(std::memory_order_relaxed);
  std::memcpy(name.bytes.data(), words, sizeof words);
  return name.valid() ? std::string(name.view()) : "(no well-formed name)";
}

// Where a host that is there has other sizes, what we take for our partition may be in the middle of its memory. One
// that cannot be looked at has nothing to object.
bool others_agree(const WindowConfig& config, std::string* reason) {
  std::vector<PartitionReport> reports;
  std::string unreachable;
  if (!inspect_window(config, &reports, &unreachable)) return true;
  for (std::uint32_t host = 0; host < reports.size(); ++host) {
    if (host == config.host || reports[host].state != PartitionState::kDisagreeing || !reports[host].beats) continue;
    *reason = reports[host].reason + ": that host is in use, and its configuration and this one do not agree";
    return false;
  }
  return true;
}

}  // namespace

int empty_partition(const WindowConfig& config, const std::string& directory, std::string* reason) {
  WindowPartition own;
  if (const int error = own.open(config.partitions[config.host], config.memory)) {
    *reason = "the window cannot be opened";
    return error;
  }
  if (!others_agree(config, reason)) return -EPROTO;
  std::string path;
  {
    WindowHome home;
    if (const int error = home.open(config, own, directory)) {
      *reason = "what this host knows of its partition cannot be opened";
      return error;
    }
    if (home.users().count() != 1) {
      *reason = "processes of this host have the window open: end them first";
      return -EBUSY;
    }
    path = home.path();
  }
  const std::uint64_t before = beat_of(own);
  ::nanosleep(&kSomeBeats, nullptr);
  if (beat_of(own) != before) {
    *reason = "another machine uses this partition: each host needs a number of its own";
    return -EBUSY;
  }
  std::memset(own.base(), 0, data_offset(config.partitions.size()));
  own.push(own.base(), data_offset(config.partitions.size()));
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return 0;
  *reason = path + ": " + std::strerror(errno);
  return -EIO;
}

bool inspect_window(const WindowConfig& config, std::vector<PartitionReport>* reports, std::string* reason) {
  const auto hosts = static_cast<std::uint32_t>(config.partitions.size());
  WindowPartition partitions[kMaxWindowHosts];
  std::uint64_t beats[kMaxWindowHosts] = {};
  reports->assign(hosts, PartitionReport());
  for (std::uint32_t host = 0; host < hosts; ++host) {
    if (partitions[host].open(config.partitions[host], config.memory) != 0) {
      *reason = "the partition of host " + std::to_string(host) + " cannot be opened";
      return false;
    }
    PartitionReport& report = (*reports)[host];
    report.state = partitions[host].look(host, hosts, &report.reason);
    beats[host] = beat_of(partitions[host]);
  }
  ::nanosleep(&kSomeBeats, nullptr);
  for (std::uint32_t host = 0; host < hosts; ++host) {
    PartitionReport& report = (*reports)[host];
    report.beats = beat_of(partitions[host]) != beats[host];
    if (report.state != PartitionState::kValid) continue;
    report.generation = partition_header(partitions[host].base())->generation.load(std::memory_order_relaxed);
    report.has_doorbell = report.beats && says_doorbell(partitions, host);
    partitions[host].refresh(partitions[host].base(), data_offset(hosts));
    for (std::uint32_t slot = 0; slot < kWindowSlots; ++slot) {
      const DirectoryEntry& entry = *directory_entry(partitions[host].base(), slot);
      if (entry.life.load(std::memory_order_acquire) != 0) report.endpoints.push_back(name_in(entry));
    }
  }
  return true;
}

}  // namespace anchor
