// SPDX-License-Identifier: BSD-2-Clause
// Reporting the end of a request to the queues and counters bound to the endpoint. `error`: positive errno value.
#pragma once

#include <cstddef>
#include <cstdint>

#include "proto/exchange.h"

namespace anchor {

void complete_send(Exchange& exchange, const WorkRequest& work) noexcept;
void fail_send(Exchange& exchange, const WorkRequest& work, int error) noexcept;

// How a message ended up in a receive's buffer.
struct Delivery {
  std::size_t offset;    // in the buffer: multi-receive
  std::size_t received;  // bytes there
  int error;             // 0, or why less than the message is there
  bool releases;         // the buffer is the application's again
};
void complete_receive(Exchange& exchange, const ReceiveRequest& receive, const Envelope& envelope,
                      const Delivery& delivery) noexcept;

// A receive that no message will fill: cancelled, or its only source died.
void fail_receive(Exchange& exchange, const ReceiveRequest& receive, int error) noexcept;

}  // namespace anchor
