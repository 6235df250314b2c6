// SPDX-License-Identifier: BSD-2-Clause
// Memory that the other ranks may reach, and the ways to reach it under one signature each.
#pragma once

#include <rdma/fi_domain.h>
#include <rdma/fi_rma.h>

#include <cstdint>
#include <string>
#include <vector>

#include "common/node.h"

namespace anchor::fabtests {

inline constexpr std::uint64_t kRemoteAccess = FI_REMOTE_READ | FI_REMOTE_WRITE;
inline constexpr std::byte kUntouched{0xa5};

inline NodeOptions rma_options(int mr_mode = 0) {
  return {.caps = FI_MSG | FI_TAGGED | FI_RMA | FI_RMA_EVENT, .mr_mode = mr_mode};
}

// Where a rank's memory begins for the others.
struct RemoteStart {
  std::uint64_t address = 0;
  std::uint64_t key = 0;
};

// Registered memory, all kUntouched at first.
class Exposed {
 public:
  Exposed(const Node& node, std::size_t size, std::uint64_t key, std::uint64_t access = kRemoteAccess,
          std::uint64_t flags = 0);

  // Where every rank's begins, by rank: all call it, each with its own.
  std::vector<RemoteStart> introduce(Team& team) const;
  RemoteStart start() const;

  Bytes memory;
  Owned<fid_mr> mr;

 private:
  bool virtual_addresses_;
};

// One operation: bytes of ours, and where at the peer.
struct Access {
  void* buffer = nullptr;
  std::size_t size = 0;
  fi_addr_t peer = FI_ADDR_UNSPEC;
  std::uint64_t address = 0;
  std::uint64_t key = 0;
  std::uint64_t data = 0;
  void* context = nullptr;
};

struct AccessCall {
  const char* name;
  bool inject;  // at most inject_size bytes, no completion entry
  bool data;    // carries remote CQ data
  ssize_t (*call)(fid_ep*, const Access&);
};

const std::vector<AccessCall>& write_calls();
const std::vector<AccessCall>& read_calls();

ssize_t write_message(fid_ep* ep, const Access& a, std::uint64_t flags);
ssize_t read_message(fid_ep* ep, const Access& a, std::uint64_t flags);

// Submits and awaits the completion.
void write_to(Node& node, const Access& access);
void read_from(Node& node, const Access& access);

}  // namespace anchor::fabtests
