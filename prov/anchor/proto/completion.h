// SPDX-License-Identifier: BSD-2-Clause
// Reporting the end of a request to the queues and counters bound to the endpoint. `error`: positive errno value.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/completion_flags.h"
#include "proto/exchange.h"

namespace anchor {

constexpr std::uint64_t received_flags(bool tagged) noexcept {
  return kCompletionReceive | (tagged ? kCompletionTagged : kCompletionMessage);
}

// The entries of a message that was sent, and of one that was received.
inline Completion sent_entry(const WorkRequest& work) noexcept {
  return {.context = work.context,
          .flags = kCompletionSend | (work.type == WorkType::kTaggedSend ? kCompletionTagged : kCompletionMessage),
          .length = work.length,
          .buffer = nullptr,
          .data = 0,
          .tag = work.tag,
          .source = kAnyAddress};
}
struct MessageSource {
  std::uint64_t tag;
  std::uint64_t data;
  std::uint8_t flags;      // MessageFlag
  std::uint64_t reported;  // Peer::reported
};
inline Completion received_entry(void* context, bool tagged, const MessageSource& source,
                                 std::size_t received) noexcept {
  return {.context = context,
          .flags = received_flags(tagged) |
                   ((source.flags & kHasRemoteData) != 0 ? std::uint64_t{kCompletionRemoteData} : 0),
          .length = received,
          .buffer = nullptr,
          .data = source.data,
          .tag = source.tag,
          .source = source.reported};
}

// Ends of requests, whatever they are bound to.
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
