// SPDX-License-Identifier: BSD-2-Clause
//
// Connection: an endpoint that knows the other process's one, and a buffer each way; what most tests start
// with. Owns everything but the scene. One thread.
#pragma once

#include <vector>

#include "endpoint.h"
#include "test.h"

namespace anchor::bench {

inline constexpr std::uint64_t kDataTag = 0x1001;
inline constexpr std::uint64_t kAcknowledgeTag = 0x1002;

// Memory as an application has it after a while: page-aligned and touched.
class MessageBuffer {
 public:
  explicit MessageBuffer(std::size_t size);
  ~MessageBuffer();
  MessageBuffer(const MessageBuffer&) = delete;
  MessageBuffer& operator=(const MessageBuffer&) = delete;

  Bytes first(std::size_t size) const { return {data_, size}; }

 private:
  std::byte* data_;
};

// Content that depends on the seed and on the place, to tell what has arrived.
void fill(Bytes bytes, std::uint64_t seed);
bool holds(ConstBytes bytes, std::uint64_t seed);

class Connection {
 public:
  Connection(Scene& scene, std::size_t buffer_size, const Demand& demand = {}, Waiting waiting = Waiting::kPolling);

  const Fabric& fabric() const { return fabric_; }
  Endpoint& endpoint() { return endpoint_; }
  fi_addr_t peer() const { return peer_; }
  MessageBuffer& outgoing() { return outgoing_; }
  MessageBuffer& incoming() { return incoming_; }

  // Both sides return when both have come here; keeps the library working meanwhile.
  void meet() {
    scene_.link.meet([this] { endpoint_.progress(); });
  }
  // The leader's number, in both processes.
  std::uint64_t agree(std::uint64_t leaders_number);

 private:
  Scene& scene_;
  Fabric fabric_;
  Endpoint endpoint_;
  fi_addr_t peer_;
  MessageBuffer outgoing_;
  MessageBuffer incoming_;
};

}  // namespace anchor::bench
