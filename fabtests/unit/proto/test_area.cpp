// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "node.h"
#include "proto/area.h"
#include "proto/loss.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr std::size_t kLong = 100'003;

EndpointSettings with_areas(std::size_t count) {
  EndpointSettings settings = quick();
  settings.large_areas = count;
  return settings;
}

// Through the area: what is copied directly needs none.
void carry(Node& from, std::uint64_t to, Node& at, unsigned messages) {
  const auto sent = bytes_of(kLong);
  for (unsigned i = 0; i < messages; ++i) {
    std::vector<unsigned char> in(kLong);
    prefer(at.exchange.peers.with_name(from.exchange.name), false, kLong);
    cr_assert_eq(at.receive(in.data(), in.size()), 0);
    cr_assert_eq(from.send(to, sent.data(), sent.size()), 0);
    for (unsigned ended = 0; ended < 2;) {
      Event event;
      for (Node* node : {&from, &at}) {
        node->progress();
        for (; node->next(&event); ++ended) cr_assert_eq(event.error, 0);
      }
    }
    cr_assert(in == sent, "message %u", i);
  }
}

std::uint32_t chunk_size(Couple& couple) { return couple.at_a().channel->chunk_size(); }

OfferAreaBody offer_of(const Peer& peer) { return {peer.received.offset, 28'672}; }

Verdict offered(Couple& couple, const OfferAreaBody& body) {
  return on_offer_area(couple.a.exchange, couple.at_a(), forged(Operation::kOfferArea, body));
}

}  // namespace

Test(area, a_peer_that_sends_much_is_given_more_room) {
  Couple couple;
  const std::uint32_t before = chunk_size(couple);
  carry(couple.a, couple.to_b, couple.b, 2);
  cr_assert_eq(couple.at_b().area_offset, 0u, "not for 200 KB");
  carry(couple.a, couple.to_b, couple.b, 10);
  cr_assert_neq(couple.at_b().area_offset, 0u);
  cr_assert_eq(chunk_size(couple), kLargeArea / 4);
  cr_assert_lt(before, chunk_size(couple));
  cr_assert_eq(couple.at_a().area_offset, 0u, "nothing came the other way");
  cr_assert_eq(couple.b.exchange.areas_left, quick().large_areas - 1);
}

Test(area, there_are_only_so_many) {
  Couple couple(with_areas(0));
  const std::uint32_t before = chunk_size(couple);
  carry(couple.a, couple.to_b, couple.b, 10);
  cr_assert_eq(chunk_size(couple), before);
}

Test(area, comes_back_when_the_peer_has_gone) {
  Couple couple(with_areas(1));
  carry(couple.a, couple.to_b, couple.b, 10);
  cr_assert_eq(couple.b.exchange.areas_left, 0u);
  couple.a.crash();
  cr_assert(until([&] { return couple.at_b().state == PeerState::kIdle; }, couple.b));
  cr_assert_eq(couple.b.exchange.areas_left, 1u);
}

// It may write there still.
Test(area, stays_with_a_peer_that_broke_the_connection_and_lives) {
  Couple couple(with_areas(1));
  carry(couple.a, couple.to_b, couple.b, 10);
  begin_loss(couple.b.exchange, couple.at_b(), EPROTO);
  cr_assert(until([&] { return couple.at_b().state == PeerState::kIdle; }, couple.b));
  cr_assert_eq(couple.b.exchange.areas_left, 0u);
  cr_assert_eq(couple.b.exchange.abandoned.size(), 1u);
  cr_assert_neq(couple.b.exchange.abandoned[0].area_offset, 0u);
  couple.a.crash();
  cr_assert(until([&] { return couple.b.exchange.abandoned.empty(); }, couple.b));
  cr_assert_eq(couple.b.exchange.areas_left, 1u);
}

Test(area, offers_that_make_no_sense_are_malformed) {
  Couple couple;
  const auto malformed = [&](auto&& change) {
    OfferAreaBody body = offer_of(couple.at_a());
    change(body);
    return offered(couple, body) == Verdict::kMalformed;
  };
  cr_assert(malformed([](OfferAreaBody& body) { body.bytes = 0; }));
  cr_assert(malformed([](OfferAreaBody& body) { body.bytes = kPageSize; }), "too small");
  cr_assert(malformed([](OfferAreaBody& body) { body.bytes = kMaxPayloadArea + kPageSize; }));
  cr_assert(malformed([](OfferAreaBody& body) { body.bytes = ~0ull; }));
  cr_assert(malformed([](OfferAreaBody& body) { body.bytes -= 64; }), "no pages");
  cr_assert(malformed([](OfferAreaBody& body) { body.offset = 0; }), "the header");
  cr_assert(malformed([](OfferAreaBody& body) { body.offset += 64; }));
  cr_assert(malformed([](OfferAreaBody& body) { body.offset = 1ull << 40; }), "outside of the region");
  cr_assert(malformed([](OfferAreaBody& body) { body.offset = ~0ull & ~(kPageSize - 1); }));
  cr_assert_eq(offered(couple, offer_of(couple.at_a())), Verdict::kTaken);
}

Test(area, a_second_offer_changes_nothing) {
  Couple couple;
  cr_assert_eq(offered(couple, offer_of(couple.at_a())), Verdict::kTaken);
  cr_assert_eq(offered(couple, offer_of(couple.at_a())), Verdict::kTaken);
}

Test(area, none_is_taken_that_was_not_offered) {
  Couple couple;
  const auto taken = [&] { return on_take_area(couple.b.exchange, couple.at_b(), forged(Operation::kTakeArea, 0)); };
  cr_assert_eq(taken(), Verdict::kMalformed);
  carry(couple.a, couple.to_b, couple.b, 10);
  cr_assert_eq(taken(), Verdict::kMalformed, "it was taken already");
}
