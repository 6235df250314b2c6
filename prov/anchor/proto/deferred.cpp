// SPDX-License-Identifier: BSD-2-Clause
#include "proto/deferred.h"

#include <algorithm>

#include "core/deferred_completion.h"

namespace anchor {
namespace {

// Under the endpoint's lock nobody else sees that they are missing.
class CountersSetAside {
 public:
  explicit CountersSetAside(Exchange& exchange) noexcept : exchange_(exchange) { exchange_counters(); }
  CountersSetAside(const CountersSetAside&) = delete;
  CountersSetAside& operator=(const CountersSetAside&) = delete;
  ~CountersSetAside() { exchange_counters(); }

 private:
  void exchange_counters() noexcept {
    std::swap(exchange_.send_counter, send_);
    std::swap(exchange_.receive_counter, receive_);
    std::swap(exchange_.read_counter, read_);
    std::swap(exchange_.write_counter, write_);
  }

  Exchange& exchange_;
  Counter *send_ = nullptr, *receive_ = nullptr, *read_ = nullptr, *write_ = nullptr;
};

DeferredCompletion& completion_of(void* context) noexcept { return *static_cast<DeferredCompletion*>(context); }

// As it would have been without having been deferred.
ReceiveRequest plain(const ReceiveRequest& receive) noexcept {
  ReceiveRequest made{};
  made.source = receive.source;
  made.tag = receive.tag;
  made.ignore = receive.ignore;
  made.flags = receive.flags & ~kDeferred;
  made.segment_count = receive.segment_count;
  made.length = receive.length;
  made.context = completion_of(receive.context).context;
  made.tagged = receive.tagged;
  std::copy_n(receive.segments, receive.segment_count, made.segments);
  return made;
}

}  // namespace

void end_deferred(Exchange& exchange, const WorkRequest& work, int error) noexcept {
  DeferredCompletion& completion = completion_of(work.context);
  {
    const CountersSetAside aside(exchange);
    WorkRequest as_asked = work;
    as_asked.flags &= ~kDeferred;
    as_asked.context = completion.context;
    if (error != 0) {
      fail_send(exchange, as_asked, error);
    } else if (is_remote(work.type)) {
      complete_remote(exchange, as_asked);
    } else {
      complete_send(exchange, as_asked);
    }
  }
  completion.ended(error == 0);
}

void end_deferred_receive(Exchange& exchange, const ReceiveRequest& receive, const Envelope& envelope,
                          const Delivery& delivery) noexcept {
  {
    const CountersSetAside aside(exchange);
    complete_receive(exchange, plain(receive), envelope, delivery);
  }
  completion_of(receive.context).ended(delivery.error == 0);
}

void fail_deferred_receive(Exchange& exchange, const ReceiveRequest& receive, int error) noexcept {
  {
    const CountersSetAside aside(exchange);
    fail_receive(exchange, plain(receive), error);
  }
  completion_of(receive.context).ended(false);
}

}  // namespace anchor
