// SPDX-License-Identifier: BSD-2-Clause
// A window as one process sees it: our host's partition, whose directory says who lives here, and the others', of which
// we read the directories at first contact only. Whether they live is pushed to us: each host writes a heartbeat and
// the lives of its endpoints into a page of each other host's partition.
//
// Any process of a host may send the heartbeat; whoever finds it due does. So a process that dies or is stopped takes
// nobody with it.
//
// Thread-safe once open.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "dma/retrieval.h"
#include "dma/window_config.h"
#include "dma/window_home.h"
#include "dma/window_partition.h"
#include "os/clock.h"
#include "os/endpoint_name.h"

namespace anchor {

inline constexpr Milliseconds kHeartbeat{100};

// An endpoint as a directory says, checked.
struct WindowEndpoint {
  std::uint32_t host;
  std::uint32_t slot;
  std::uint64_t life;
  std::uint64_t header_offset;
  std::uint64_t header_size;
};

class Window {
 public:
  // Once. Negated errno value, with a warning that says what is wrong.
  int open(const WindowConfig& config, const std::string& directory) noexcept;

  std::uint32_t host() const noexcept { return config_.host; }
  std::uint32_t hosts() const noexcept { return static_cast<std::uint32_t>(config_.partitions.size()); }
  const WindowPartition& partition(std::uint32_t host) const noexcept { return partitions_[host]; }
  const WindowPartition& own() const noexcept { return partitions_[config_.host]; }
  WindowHome& home() noexcept { return home_; }
  MemoryType memory() const noexcept { return config_.memory; }
  // Whether hosts can interrupt each other, so that who sleeps has to be known across them.
  bool has_doorbell() const noexcept { return !config_.doorbell.empty(); }

  // Enters an endpoint of ours into the directory, and tells the other hosts. Requires: endpoint.slot is ours.
  // -EADDRINUSE: a living one of this host has the name.
  int announce(const EndpointName& name, const WindowEndpoint& endpoint) noexcept;
  // Takes it out again; the slot is dead then. A slot of memory is in no directory.
  void withdraw(std::uint32_t slot) noexcept;

  // Who has the name, on this host or else on the first other one. -ENOENT.
  int find(const EndpointName& name, WindowEndpoint* endpoint) noexcept;
  bool alive(const WindowEndpoint& endpoint) noexcept;
  // Whether the directory still says so: a look at the other host's memory.
  bool is_current(const WindowEndpoint& endpoint) const noexcept {
    const Retrieval setup;
    const WindowWord& life = directory_entry(partition(endpoint.host).base(), endpoint.slot)->life;
    partition(endpoint.host).refresh(life);
    return life.load(std::memory_order_seq_cst) == endpoint.life;
  }

  // Tells the other hosts the number of a sleep of ours, or that it has ended; and what we were told of a peer's.
  void tell_sleep(std::uint32_t slot, std::uint32_t number) noexcept;
  std::uint32_t sleep_of(const WindowEndpoint& endpoint) const noexcept;

  // Has a host that find() found know at once what is due to it with the next heartbeat: whoever is asked for a
  // connection shall find the one that asks.
  void introduce_to(std::uint32_t host) noexcept;

  // What the host says of its doorbell; 0 of one that is silent, or says nothing.
  std::uint64_t doorbell_of(std::uint32_t host) noexcept;
  // Whether whoever may write to us, on this host and on others, rings those that sleep.
  bool all_ring() noexcept;
  // Tells all other hosts at once what is due to them with the next heartbeat.
  void speak_to_all() noexcept { speak_to_all(next_beat()); }

  // The heartbeat, if it is due, and what comes with it: seeing off who died here, freeing what nobody uses any more.
  void beat_if_due() noexcept;

 private:
  struct Seen {
    std::atomic<std::uint64_t> beat{0};
    std::atomic<std::int64_t> changed{0};
  };

  NeighbourPage& heard_from(std::uint32_t host) const noexcept { return *neighbour_page(own().base(), host); }
  NeighbourPage& told_to(std::uint32_t host) const noexcept {
    return *neighbour_page(partition(host).base(), config_.host);
  }
  bool was_ready(std::uint32_t host) const noexcept;
  bool is_ready(std::uint32_t host) noexcept;
  // window_open.cpp
  int prepare_own();
  int take_over() noexcept;
  int begin_anew() noexcept;
  // window_directory.cpp
  bool read_entry(std::uint32_t host, std::uint32_t slot, const EndpointName& name,
                  WindowEndpoint* endpoint) const noexcept;
  void tell_all(std::uint32_t slot, std::uint64_t life) noexcept;
  // window_heartbeat.cpp
  bool fresh(std::uint32_t host) noexcept;
  bool is_forgotten(std::uint32_t slot) noexcept;
  void bury(std::uint32_t slot) noexcept;
  void beat() noexcept;
  std::uint64_t next_beat() noexcept;
  void repeat_held(NeighbourPage& page, std::uint32_t host) noexcept;
  void repeat_life(WindowWord& told, std::uint32_t slot) const noexcept;
  void speak_to(std::uint32_t host, std::uint64_t beat) noexcept;
  void speak_to_all(std::uint64_t beat) noexcept;

  WindowConfig config_;
  WindowPartition partitions_[kMaxWindowHosts];
  WindowHome home_;
  Seen seen_[kMaxWindowHosts];
  std::atomic<std::uint64_t> ready_[kMaxWindowHosts] = {};  // the generation that was found valid; 0: none yet
  std::atomic<bool> intruder_told_{false};
  std::atomic<bool> invalid_told_[kMaxWindowHosts] = {};
};

}  // namespace anchor
