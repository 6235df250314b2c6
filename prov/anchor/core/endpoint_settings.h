// SPDX-License-Identifier: BSD-2-Clause
// What an endpoint is told when it is made: the application's choices and the administrator's parameters.
#pragma once

#include <cstddef>
#include <cstdint>

#include "os/clock.h"

namespace anchor {

struct EndpointSettings {
  bool locked = true;                         // false where the application serialises (FI_THREAD_DOMAIN, _COMPLETION)
  bool directed_receive = false;              // FI_DIRECTED_RECV: a receive's address is honoured, else ignored
  bool report_unknown_source = false;         // FI_SOURCE_ERR: an unknown sender gives an error entry with its name
  bool access_events = true;                  // FI_RMA_EVENT: accesses by peers are counted, else those with data alone
  bool direct_copy = true;                    // cross-memory attach may be used
  bool mapping = true;                        // memory of peers that can be shared may be mapped, if direct_copy
  std::size_t transmit_size = 1024;           // sends outstanding at once
  std::size_t receive_size = 1024;            // advertised; posting more is not refused
  std::size_t unexpected_limit = 256u << 20;  // bytes buffered for one peer before its FIFO waits
  std::uint32_t fifo_slots = 64;              // of each FIFO that a peer is granted
  std::uint32_t fifo_payload = 24448;         // bytes of its payload area: with the slots, just 28 KiB
  std::size_t large_areas = 8;                // of peers that send much, beside the others' small payload areas
  Milliseconds connect_timeout{30000};
  // So long after a pass who makes the next one has been elsewhere: other work, or other processes on its processor. A
  // yield to nobody takes half a microsecond.
  std::chrono::nanoseconds absence{2000};
  Milliseconds liveness_interval{200};  // how often a connected peer's liveness is checked
};

}  // namespace anchor
