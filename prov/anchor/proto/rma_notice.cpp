// SPDX-License-Identifier: BSD-2-Clause
// The initiator's side of telling the target of what was moved without it.
#include <bit>

#include "proto/completion.h"
#include "proto/outbox.h"
#include "proto/remote.h"
#include "proto/rma.h"

namespace anchor {
namespace {

OutgoingMessage notice_of(const RemoteWork& work, std::uint32_t target, bool last, std::uint64_t request) noexcept {
  const bool data = last && (work.base.flags & kRemoteData);
  OutgoingMessage message{.operation = Operation::kRemoteNotice,
                          .flags = static_cast<std::uint8_t>(data ? kHasRemoteData : 0),
                          .tag = work.targets[target].key,
                          .data = work.base.data};
  message.set_body(RemoteNoticeBody{.length = work.base.length,
                                    .request = last ? request : 0,
                                    .rights = right_for(work.base.type),
                                    .last = last ? 1u : 0u});
  return message;
}

// Sends what `*notices` says, and takes out of it what was sent.
int send_notices(Peer& peer, const RemoteWork& work, std::uint64_t request, std::uint32_t* notices) noexcept {
  while (*notices != 0) {
    const auto target = static_cast<std::uint32_t>(std::countr_zero(*notices));
    const std::uint32_t rest = *notices & (*notices - 1);
    if (const int error = peer.channel->send(notice_of(work, target, rest == 0, request))) return error;
    *notices = rest;
  }
  return 0;
}

// Who wants delivery to be confirmed gets the peer's word that it took notice.
bool wants_answer(const RemoteWork& work) noexcept { return (work.base.flags & kDeliveryComplete) != 0; }

}  // namespace

int tell_peer(Exchange& exchange, Peer& peer, RemoteRequest& request, bool queued) noexcept {
  const RemoteWork work = request.remote_work();
  const std::uint64_t id = wants_answer(work) ? exchange.remotes.id(&request) : 0;
  const int error = send_notices(peer, work, id, &request.notices);
  if (error != 0) {
    request.moved = true;
    if (!queued) await_turn(exchange, peer, request);
    return queued ? error : 0;
  }
  if (queued) peer.waiting.remove(&request);
  if (id != 0) {
    await_answer(peer, request);
  } else {
    complete_remote(exchange, request.work);
    exchange.remotes.release(&request);
  }
  return 0;
}

}  // namespace anchor
