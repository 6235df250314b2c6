// SPDX-License-Identifier: BSD-2-Clause
// Reporting the end of a request to the queues and counters bound to the endpoint. `error`: positive errno value.
#pragma once

#include <cstddef>
#include <cstdint>

#include "proto/exchange.h"

namespace anchor {

void complete_send(Exchange& exchange, const WorkRequest& work) noexcept;
// A remote operation of ours.
void complete_remote(Exchange& exchange, const WorkRequest& work) noexcept;
// A send, or a remote operation.
void fail_send(Exchange& exchange, const WorkRequest& work, int error) noexcept;

// How a message ended up in a receive's buffer.
struct Delivery {
  std::size_t offset;    // in the buffer: multi-receive
  std::size_t received;  // bytes there
  int error;             // 0, or why less than the message is there
  bool releases;         // the buffer is the application's again
  bool counts = true;    // a message was received, not only looked at
};
void complete_receive(Exchange& exchange, const ReceiveRequest& receive, const Envelope& envelope,
                      const Delivery& delivery) noexcept;

// A receive that no message will fill: cancelled, or its only source died.
void fail_receive(Exchange& exchange, const ReceiveRequest& receive, int error) noexcept;
// A peek found nothing. That is an entry in the queue, but no failure to be counted.
void report_no_message(Exchange& exchange, const WorkRequest& work) noexcept;

}  // namespace anchor
