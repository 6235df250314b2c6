// SPDX-License-Identifier: BSD-2-Clause
#include "proto/remote.h"

#include <algorithm>
#include <cerrno>
#include <new>

#include "os/gather.h"
#include "proto/atomic.h"
#include "proto/completion.h"
#include "proto/connection.h"
#include "proto/loss.h"
#include "proto/outbox.h"
#include "proto/rma.h"

namespace anchor {
namespace {

int start_by_type(Exchange& exchange, Peer& peer, const RemoteWork& work, RemoteRequest* queued) noexcept {
  switch (work.base.type) {
    case WorkType::kRead:
    case WorkType::kWrite:
      return start_rma(exchange, peer, work, queued);
    case WorkType::kAtomic:
    case WorkType::kFetchAtomic:
    case WorkType::kCompareAtomic:  // only those that had to wait come here
      return start_atomic(exchange, peer, *queued);
    default:
      return -ENOSYS;
  }
}

// A read that its peer answers bit by bit. One that may be withdrawn is answered in its place among the others.
bool is_served_later(const RemoteRequest& request) noexcept {
  return request.work.type == WorkType::kRead && request.number == 0;
}

}  // namespace

bool all_completed(Exchange& exchange, const Peer& peer) noexcept {
  if (peer.unanswered != 0) return false;
  bool completed = true;
  exchange.sends.for_each([&](const SendRequest* send) {
    if (send->peer == &peer && send->state != SendState::kWaiting) completed = false;
  });
  return completed;
}

int start_remote(Exchange& exchange, Peer& peer, const RemoteWork& work, RemoteRequest* queued) noexcept {
  if ((work.base.flags & kFence) && !all_completed(exchange, peer)) [[unlikely]]
    return -EAGAIN;
  return start_by_type(exchange, peer, work, queued);
}

int begin_remote(Exchange& exchange, Peer& peer, const RemoteWork& work) {
  if (peer.waiting.empty()) [[likely]] {
    const int error = start_remote(exchange, peer, work, nullptr);
    if (error == 0) [[likely]]
      return 0;
    if (error != -EAGAIN) begin_loss(exchange, peer, -error);
  }
  const int error = queue_remote(exchange, peer, work);
  if (error == 0 && peer.gathering && gathered_enough(peer)) flush_remotes(exchange, peer);
  return error;
}

RemoteRequest* keep_targets(Exchange& exchange, Peer& peer, const RemoteWork& work) noexcept {
  RemoteRequest* request = exchange.remotes.acquire();
  if (request == nullptr) return nullptr;
  request->work = work.base;
  std::copy_n(work.base.segments, work.base.segment_count, request->segments);
  request->work.segments = request->segments;
  request->peer = &peer;
  request->state = SendState::kWaiting;
  std::copy_n(work.targets, work.target_count, request->targets);
  request->target_count = work.target_count;
  return request;
}

RemoteRequest* keep_remote(Exchange& exchange, Peer& peer, const RemoteWork& work) noexcept {
  RemoteRequest* request = keep_targets(exchange, peer, work);
  if (request == nullptr) return nullptr;
  if ((work.base.flags & kInject) == 0 || work.base.length == 0) return request;
  request->copy.reset(new (std::nothrow) std::byte[work.base.length]);
  if (!request->copy) {
    exchange.remotes.release(request);
    return nullptr;
  }
  gather(request->copy.get(), work.base.segments, work.base.segment_count, 0, work.base.length);
  request->segments[0] = {request->copy.get(), work.base.length};
  request->work.segment_count = 1;
  return request;
}

int queue_remote(Exchange& exchange, Peer& peer, const RemoteWork& work) {
  reserve_peer_lists(exchange);
  RemoteRequest* request = keep_remote(exchange, peer, work);
  if (request == nullptr) return -EAGAIN;
  await_turn(exchange, peer, *request);
  return 0;
}

RemoteRequest* find_unanswered(Exchange& exchange, const Peer& peer, std::uint64_t id) noexcept {
  RemoteRequest* request = exchange.remotes.find(id);
  return request != nullptr && request->peer == &peer && request->state != SendState::kWaiting ? request : nullptr;
}

void await_answer(Peer& peer, RemoteRequest& request) noexcept {
  request.state = SendState::kSent;
  ++peer.unanswered;
  if (is_served_later(request)) ++peer.unanswered_reads;
}

void end_remote(Exchange& exchange, RemoteRequest& request, int error) noexcept {
  Peer& peer = *request.peer;
  --peer.unanswered;
  if (is_served_later(request)) --peer.unanswered_reads;
  if (request.number != 0) forget_withdrawable(exchange, peer, request);
  if (error == 0) {
    complete_remote(exchange, request.work);
  } else {
    fail_send(exchange, request.work, error);
  }
  exchange.remotes.release(&request);
}

Verdict on_remote_finish(Exchange& exchange, Peer& peer, const IncomingMessage& message) {
  const auto body = message.body_as<RemoteFinishBody>();
  RemoteRequest* request = find_unanswered(exchange, peer, body.request);
  if (request == nullptr) {
    // A read of several targets ends with the first that is refused, and is told of the others, too.
    const bool ended = body.status != 0 && exchange.remotes.find(body.request) == nullptr;
    return ended ? Verdict::kTaken : Verdict::kMalformed;
  }
  end_remote(exchange, *request, body.status == 0 ? 0 : error_in(body.status));
  return Verdict::kTaken;
}

}  // namespace anchor
