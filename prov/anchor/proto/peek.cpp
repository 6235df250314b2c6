// SPDX-License-Identifier: BSD-2-Clause
#include "proto/peek.h"

#include <algorithm>
#include <cerrno>

#include "proto/arrival.h"
#include "proto/completion.h"
#include "proto/outbox.h"

namespace anchor {
namespace {

// Reports on a message without moving it: a completion with its length, tag, data and source.
void report_peek(Exchange& exchange, const WorkRequest& work, const Envelope& envelope) {
  ReceiveRequest shape{};
  shape.flags = work.flags & ~std::uint32_t{kMultiReceive};
  shape.context = work.context;
  shape.tagged = work.type == WorkType::kTaggedReceive;
  complete_receive(exchange, shape, envelope,
                   {.offset = 0,
                    .received = envelope.length,
                    .error = 0,
                    .releases = false,
                    .counts = (work.flags & kDiscard) != 0});
}

void discard(Exchange& exchange, UnexpectedRequest& message) {
  if (message.envelope.request != 0 && message.error == 0)
    post_finish(exchange, *message.envelope.peer, message.envelope.request, 0);
  drop_unexpected(exchange, message);
}

}  // namespace

int peek_message(Exchange& exchange, const WorkRequest& work) {
  Peer* source;
  if (!exchange.find_source(work, &source)) return -EINVAL;
  TagMatcher& matcher = exchange.matcher(work.type == WorkType::kTaggedReceive);
  auto* message = static_cast<UnexpectedRequest*>(
      matcher.find_unexpected(source != nullptr ? source->number : kAnySource, work.tag, work.ignore));
  if (message == nullptr) {
    report_no_message(exchange, work);
    return 0;
  }
  report_peek(exchange, work, message->envelope);
  if ((work.flags & (kClaim | kDiscard)) == 0) return 0;
  matcher.remove(message);
  if (work.flags & kDiscard) {
    discard(exchange, *message);
  } else {
    message->claimed_by = work.context;
    exchange.claimed.push_back(message);
  }
  return 0;
}

int receive_claimed(Exchange& exchange, const WorkRequest& work) {
  const auto found = std::find_if(exchange.claimed.begin(), exchange.claimed.end(),
                                  [&](const UnexpectedRequest* m) { return m->claimed_by == work.context; });
  if (found == exchange.claimed.end()) return -ENOMSG;
  UnexpectedRequest& message = **found;
  if (work.flags & kDiscard) {
    exchange.claimed.erase(found);
    report_peek(exchange, work, message.envelope);
    discard(exchange, message);
    return 0;
  }
  ReceiveRequest* receive = make_receive(exchange, work);
  if (receive == nullptr) return -EAGAIN;
  exchange.claimed.erase(found);
  deliver_unexpected(exchange, *receive, message);
  return 0;
}

}  // namespace anchor
