// SPDX-License-Identifier: BSD-2-Clause
// Two nodes on two hosts that have a window between them.
#pragma once

#include <unistd.h>

#include <fstream>
#include <memory>

#include "dma/device_memory.h"
#include "dma/window_device.h"
#include "node.h"
#include "proto/connect.h"

namespace anchor::unit {

inline constexpr std::size_t kPlacedBytes = 128 * kPageSize;

// A window of two hosts.
struct WindowFile {
  WindowFile() {
    std::ofstream(scratch.file("memory")).flush();
    cr_assert_eq(::truncate(scratch.file("memory").c_str(), 16 << 20), 0);
  }
  std::unique_ptr<WindowDevice> device(int host) const {
    const std::string path = scratch.file("host" + std::to_string(host));
    std::ofstream(path) << "path = " << scratch.file("memory") << "\nhosts = 2\ntimeout = 30000\nhost = " << host
                        << "\n";
    return WindowDevice::open({path, scratch.path()});
  }
  ScratchDirectory scratch;
};

// They are connected, and b has memory in the window.
struct DistantPair {
  explicit DistantPair(const EndpointSettings& with = quick()) : settings(with) {
    std::byte* bytes;
    cr_assert_eq(device_b->for_applications()->allocate(kPlacedBytes, &bytes), 0);
    memory = reinterpret_cast<unsigned char*>(bytes);
    to_b = a.insert("b");
    b.insert("a");
    seek_peer(a.exchange, at_a());
    cr_assert(
        until([&] { return at_a().state == PeerState::kConnected && at_b().state == PeerState::kConnected; }, a, b));
  }
  Peer& at_a() { return a.peer("b"); }
  Peer& at_b() { return b.peer("a"); }

  const EndpointSettings settings;
  WindowFile window;
  std::unique_ptr<WindowDevice> device_a = window.device(0), device_b = window.device(1);
  Node a{*device_a, "a", settings}, b{*device_b, "b", settings};
  std::uint64_t to_b = 0;
  unsigned char* memory = nullptr;
};

}  // namespace anchor::unit
