// SPDX-License-Identifier: BSD-2-Clause
#include "proto/completion.h"

#include <cerrno>

#include "core/completion_flags.h"
#include "os/status.h"
#include "proto/deferred.h"

namespace anchor {
namespace {

// fi_cntr(3), fi_atomic(3): what brings bytes back is a read.
bool is_read(WorkType type) noexcept {
  return type == WorkType::kRead || type == WorkType::kFetchAtomic || type == WorkType::kCompareAtomic;
}

std::uint64_t remote_flags(const WorkRequest& work) noexcept {
  const bool rma = work.type == WorkType::kRead || work.type == WorkType::kWrite;
  return (rma ? kCompletionRma : kCompletionAtomic) | (is_read(work.type) ? kCompletionRead : kCompletionWrite);
}

std::uint64_t flags_of(const WorkRequest& work) noexcept {
  return is_remote(work.type) ? remote_flags(work) : sent_entry(work).flags;
}

Counter* counter_of(const Exchange& exchange, const WorkRequest& work) noexcept {
  if (!is_remote(work.type)) return exchange.send_counter;
  return is_read(work.type) ? exchange.read_counter : exchange.write_counter;
}

[[gnu::noinline]] void count_receive(Exchange& exchange, int error) noexcept {
  if (error != 0) {
    exchange.receive_counter->add_error();
  } else {
    exchange.receive_counter->add();
  }
}

[[gnu::noinline]] void report_receive_error(Exchange& exchange, Completion completion, std::size_t overflow, int error,
                                            const EndpointName& source) noexcept {
  if (exchange.receive_queue == nullptr) return;
  exchange.receive_queue->push_error({.completion = completion,
                                      .overflow_length = overflow,
                                      .error = error,
                                      .provider_error = error,
                                      .source_name = source});
}

}  // namespace

void complete_send(Exchange& exchange, const WorkRequest& work) noexcept {
  if (work.flags & kDeferred) [[unlikely]]
    return end_deferred(exchange, work, 0);
  if (exchange.send_counter != nullptr) exchange.send_counter->add();
  if ((work.flags & kWantCompletion) == 0 || exchange.send_queue == nullptr) return;
  exchange.send_queue->push(sent_entry(work));
}

void complete_remote(Exchange& exchange, const WorkRequest& work) noexcept {
  if (work.flags & kDeferred) [[unlikely]]
    return end_deferred(exchange, work, 0);
  if (Counter* counter = counter_of(exchange, work); counter != nullptr) counter->add();
  if ((work.flags & kWantCompletion) == 0 || exchange.send_queue == nullptr) return;
  exchange.send_queue->push({.context = work.context,
                             .flags = remote_flags(work),
                             .length = work.length,
                             .buffer = nullptr,
                             .data = 0,
                             .tag = 0,
                             .source = kAnyAddress});
}

void fail_send(Exchange& exchange, const WorkRequest& work, int error) noexcept {
  if (work.flags & kDeferred) return end_deferred(exchange, work, error);
  // fi_errno(3) knows no ERANGE; the provider's own error goes on saying it.
  const int told = is_remote(work.type) && error == ERANGE ? EINVAL : error;
  if (Counter* counter = counter_of(exchange, work); counter != nullptr) counter->add_error();
  if (exchange.send_queue == nullptr) return;
  exchange.send_queue->push_error({.completion = {.context = work.context,
                                                  .flags = flags_of(work),
                                                  .length = work.length,
                                                  .buffer = nullptr,
                                                  .data = work.data,
                                                  .tag = work.tag,
                                                  .source = exchange.peers.reported(work.address)},
                                   .overflow_length = 0,
                                   .error = told,
                                   .provider_error = error,
                                   .source_name = {}});
}

void complete_receive(Exchange& exchange, const ReceiveRequest& receive, const Envelope& envelope,
                      const Delivery& delivery) noexcept {
  if (receive.flags & kDeferred) [[unlikely]]
    return end_deferred_receive(exchange, receive, envelope, delivery);
  const MessageSource source{envelope.tag, envelope.data, envelope.flags, envelope.peer->reported};
  Completion completion = received_entry(receive.context, receive.tagged, source, delivery.received);
  if (receive.flags & kMultiReceive) {
    completion.buffer = static_cast<std::byte*>(receive.segments[0].iov_base) + delivery.offset;
    if (delivery.releases) completion.flags |= kCompletionMultiReceive;
  }
  const bool stranger = exchange.settings.report_unknown_source && envelope.peer->address == kAnyAddress;
  if (delivery.counts && exchange.receive_counter != nullptr)
    count_receive(exchange, delivery.error != 0 ? delivery.error : stranger ? EADDRNOTAVAIL : 0);
  if (delivery.error != 0) [[unlikely]] {
    const std::size_t missing = delivery.error == kTruncated ? envelope.length - delivery.received : 0;
    return report_receive_error(exchange, completion, missing, delivery.error, {});
  }
  if (stranger) [[unlikely]]
    return report_receive_error(exchange, completion, 0, EADDRNOTAVAIL, envelope.peer->name);
  // fi_msg(3): that a multi-receive buffer is the application's again is always told.
  const bool wanted = (receive.flags & kWantCompletion) || (completion.flags & kCompletionMultiReceive);
  if (wanted && exchange.receive_queue != nullptr) exchange.receive_queue->push(completion);
}

void fail_receive(Exchange& exchange, const ReceiveRequest& receive, int error) noexcept {
  if (receive.flags & kDeferred) return fail_deferred_receive(exchange, receive, error);
  Completion completion{.context = receive.context,
                        .flags = received_flags(receive.tagged),
                        .length = 0,
                        .buffer = nullptr,
                        .data = 0,
                        .tag = receive.tag,
                        .source = kAnyAddress};
  if ((receive.flags & kMultiReceive) && receive.pending == 0) completion.flags |= kCompletionMultiReceive;
  if (exchange.receive_counter != nullptr) count_receive(exchange, error);
  report_receive_error(exchange, completion, 0, error, {});
}

void report_no_message(Exchange& exchange, const WorkRequest& work) noexcept {
  const Completion completion{.context = work.context,
                              .flags = received_flags(work.type == WorkType::kTaggedReceive),
                              .length = 0,
                              .buffer = nullptr,
                              .data = 0,
                              .tag = work.tag,
                              .source = kAnyAddress};
  report_receive_error(exchange, completion, 0, ENOMSG, {});
}

}  // namespace anchor
