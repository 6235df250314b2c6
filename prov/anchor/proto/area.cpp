// SPDX-License-Identifier: BSD-2-Clause
#include "proto/area.h"

#include <cerrno>
#include <utility>

#include "os/log.h"
#include "proto/outbox.h"

namespace anchor {
namespace {

// Through the small area; by then the time that setting up a larger one takes has been spent several times.
constexpr std::uint64_t kMuch = 256u << 10;

}  // namespace

void consider_larger_area(Exchange& exchange, Peer& peer) {
  if (peer.area_offset != 0 || exchange.areas_left == 0 || peer.state != PeerState::kConnected) [[likely]]
    return;
  if (!peer.region || peer.channel->bytes_read() < kMuch) return;
  std::uint64_t offset;
  std::byte* area;
  if (const int error = exchange.region->allocate_spare(kLargeArea, &offset, &area)) {
    ANCHOR_INFO(kEndpoint, "no room for larger payload areas (errno %d): long messages stay as fast as they are",
                -error);
    exchange.areas_left = 0;
    return;
  }
  --exchange.areas_left;
  peer.area_offset = offset;
  peer.channel->offer_area(area, kLargeArea);
  OutgoingMessage message{.operation = Operation::kOfferArea};
  message.set_body(OfferAreaBody{peer.area_offset, kLargeArea});
  post_control(exchange, peer, message);
}

// Where it cannot be mapped, all stays as it is.
Verdict on_offer_area(Exchange&, Peer& peer, const IncomingMessage& message) {
  const auto body = message.body_as<OfferAreaBody>();
  if (!peer.region || !valid_area(body.bytes) || body.bytes < peer.received.payload_bytes ||
      body.bytes % kPageSize != 0 || body.offset % kPageSize != 0 || body.offset < peer.contents.header_size)
    return Verdict::kMalformed;
  Mapping mapping;
  const int error = peer.region->map(body.offset, body.bytes, &mapping);
  if (error == -EPROTO) return Verdict::kMalformed;
  if (error == 0) peer.channel->take_area(std::move(mapping));
  return Verdict::kTaken;
}

Verdict on_take_area(Exchange&, Peer& peer, const IncomingMessage&) {
  return peer.channel->area_taken() ? Verdict::kTaken : Verdict::kMalformed;
}

}  // namespace anchor
