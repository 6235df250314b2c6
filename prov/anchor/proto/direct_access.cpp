// SPDX-License-Identifier: BSD-2-Clause
#include "proto/direct_access.h"

#include "os/log.h"
#include "os/process.h"

namespace anchor {
namespace {

// Our own memory is for endpoints of our own only: the kernel lets us write there whatever the addresses, which are the
// peer's to choose.
bool names_our_memory(const Peer& peer, const DirectCopyOffer& offer) noexcept {
  return peer.region != nullptr && is_own_process(offer.process_id) && !peer.region->of_this_process();
}

}  // namespace

void open_direct(Exchange& exchange, Peer& peer) noexcept {
  if (!exchange.settings.direct_copy || peer.direct_tried || peer.distant()) return;
  peer.direct_tried = true;
  const DirectCopyOffer offer = peer.region ? peer.contents.direct_copy : exchange.own_offer();
  if (names_our_memory(peer, offer)) {
    ANCHOR_WARN(kEndpoint,
                "%s gives the memory of this process (%lld) as its own, but its region is not known to be of this "
                "process: all that is transferred goes through the FIFO",
                peer.name.bytes.data(), static_cast<long long>(offer.process_id));
    return;
  }
  if (const int error = exchange.device.open_direct_copy(offer, &peer.direct))
    ANCHOR_INFO(kEndpoint, "memory of %s cannot be reached directly (errno %d): large transfers go through the FIFO",
                peer.name.bytes.data(), -error);
}

}  // namespace anchor
