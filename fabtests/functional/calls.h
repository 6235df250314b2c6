// SPDX-License-Identifier: BSD-2-Clause
// Every way to send and to receive a message, under one signature each, so that a test can go through them all.
#pragma once

#include <cstdint>
#include <vector>

#include "common/node.h"

namespace anchor::fabtests {

struct Outgoing {
  const void* buffer = nullptr;
  std::size_t size = 0;
  fi_addr_t to = FI_ADDR_UNSPEC;
  std::uint64_t tag = 0;
  std::uint64_t data = 0;
  void* context = nullptr;
};

struct SendCall {
  const char* name;
  bool tagged;
  bool inject;  // at most inject_size bytes, no completion entry
  bool data;    // carries remote CQ data
  ssize_t (*call)(fid_ep*, const Outgoing&);
};

struct Incoming {
  void* buffer = nullptr;
  std::size_t size = 0;
  fi_addr_t from = FI_ADDR_UNSPEC;
  std::uint64_t tag = 0;
  std::uint64_t ignore = 0;
  void* context = nullptr;
};

struct ReceiveCall {
  const char* name;
  bool tagged;
  ssize_t (*call)(fid_ep*, const Incoming&);
};

const std::vector<SendCall>& send_calls();
const std::vector<ReceiveCall>& receive_calls();

// The message forms with their flags.
ssize_t send_message(fid_ep* ep, const Outgoing& m, std::uint64_t flags);
ssize_t send_tagged_message(fid_ep* ep, const Outgoing& m, std::uint64_t flags);
ssize_t receive_message(fid_ep* ep, const Incoming& m, std::uint64_t flags);
ssize_t receive_tagged_message(fid_ep* ep, const Incoming& m, std::uint64_t flags);

}  // namespace anchor::fabtests
