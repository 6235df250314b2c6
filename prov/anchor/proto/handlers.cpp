// SPDX-License-Identifier: BSD-2-Clause
#include "proto/handlers.h"

#include <array>

#include "proto/area.h"
#include "proto/arrival.h"
#include "proto/atomic.h"
#include "proto/connect.h"
#include "proto/loss.h"
#include "proto/remote.h"
#include "proto/rendezvous.h"
#include "proto/rma.h"
#include "proto/share_assist.h"

namespace anchor {
namespace {

Verdict on_unknown(Exchange&, Peer&, const IncomingMessage&) { return Verdict::kMalformed; }

// In the order of Operation.
constexpr std::array<Handler, kOperationCount> kHandlers{
    on_unknown,     on_grant,         on_refuse,        on_eager,         on_tagged_eager, on_announce,
    on_announce,    on_clear_to_send, on_chunk,         on_finish,        on_goodbye,      on_remote_write,
    on_remote_read, on_read_chunk,    on_remote_notice, on_remote_finish, on_atomic,       on_atomic_reply,
    on_offer_area,  on_take_area,     on_remote_share,  on_placed,        on_copy_fronts,
};
static_assert(static_cast<std::size_t>(Operation::kCopyFronts) + 1 == kOperationCount);

// Who was asked for a connection answers that first.
bool comes_too_early(const Peer& peer, Operation operation) noexcept {
  return peer.state == PeerState::kAsked && operation != Operation::kGrant && operation != Operation::kRefuse &&
         operation != Operation::kGoodbye;
}

}  // namespace

Verdict handle(Exchange& exchange, Peer& peer, const IncomingMessage& message) {
  const auto index = static_cast<std::size_t>(message.operation);
  if (index >= kOperationCount || comes_too_early(peer, message.operation)) [[unlikely]]
    return Verdict::kMalformed;
  return kHandlers[index](exchange, peer, message);
}

}  // namespace anchor
