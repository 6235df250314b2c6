// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "distant_pair.h"
#include "proto/rendezvous.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr std::size_t kLong = kPlacedBytes - 100;

// a has announced a message, and b has a receive for it.
struct Announced : DistantPair {
  explicit Announced(void* buffer, std::size_t room = kLong) { meet(buffer, room); }
  Announced() { meet(memory + 33, kLong); }

  void meet(void* buffer, std::size_t room) {
    cr_assert_eq(b.receive(buffer, room), 0);
    cr_assert_eq(a.send(to_b, sent.data(), sent.size()), 0);
    cr_assert(until([&] { return !b.exchange.incoming.empty(); }, b));
    transfer = b.exchange.incoming.front();
  }
  // Takes what b has got, and throws away all but the last: bytes that came through the FIFO.
  std::uint64_t streamed(Operation* last) {
    std::uint64_t bytes = 0;
    for (bool more = true; more;) {
      a.progress();
      more = false;
      while (const IncomingMessage* message = at_b().channel->peek()) {
        more = true;
        *last = message->operation;
        if (message->operation == Operation::kChunk) bytes += message->length;
        at_b().channel->consume();
      }
    }
    return bytes;
  }
  Verdict placed(Peer& peer, std::uint64_t name) {
    return on_placed(b.exchange, peer, forged(Operation::kPlaced, PlacedBody{name}));
  }

  std::vector<unsigned char> sent = bytes_of(kLong);
  IncomingTransfer* transfer = nullptr;
};

}  // namespace

Test(rendezvous_placed, the_sender_puts_it_where_it_belongs) {
  Announced pair;
  cr_assert(pair.transfer->placeable);
  Operation last{};
  cr_assert_eq(pair.streamed(&last), 0u);
  cr_assert_eq(last, Operation::kPlaced);
  cr_assert_arr_eq(pair.memory + 33, pair.sent.data(), kLong);
  cr_assert_eq(pair.memory[32] + pair.memory[33 + kLong], 0);
}

Test(rendezvous_placed, both_ends_are_told) {
  Announced pair;
  const Event received = await(pair.b, pair.a);
  cr_assert_eq(received.error, 0);
  cr_assert_eq(received.completion.length, kLong);
  cr_assert_eq(await(pair.a, pair.b).error, 0);
  cr_assert_eq(pair.b.exchange.transfers.in_use() + pair.a.exchange.sends.in_use(), 0u);
}

Test(rendezvous_placed, no_more_than_there_is_room_for) {
  DistantPair pair;
  const auto sent = bytes_of(kLong);
  cr_assert_eq(pair.b.receive(pair.memory, kLong / 2), 0);
  cr_assert_eq(pair.a.send(pair.to_b, sent.data(), sent.size()), 0);
  const Event event = await(pair.b, pair.a);
  cr_assert_eq(event.error, kTruncated);
  cr_assert_eq(event.overflow_length, kLong - kLong / 2);
  cr_assert_arr_eq(pair.memory, sent.data(), kLong / 2);
  cr_assert_eq(pair.memory[kLong / 2], 0);
}

Test(rendezvous_placed, other_memory_gets_it_through_the_fifo) {
  std::vector<unsigned char> buffer(kLong);
  Announced pair(buffer.data());
  cr_assert_not(pair.transfer->placeable);
  await(pair.b, pair.a);
  cr_assert(buffer == pair.sent);
}

Test(rendezvous_placed, memory_that_ends_too_early_gets_it_through_the_fifo) {
  DistantPair pair;
  Node& b = pair.b;
  IncomingTransfer transfer;
  ReceiveRequest receive;
  receive.segment_count = 1;
  receive.segments[0] = {pair.memory, kPlacedBytes + 1};
  transfer.receive = &receive;
  transfer.envelope.peer = &pair.at_b();
  transfer.wanted = kPlacedBytes;
  cr_assert_neq(place_of(b.exchange, transfer), 0u);
  transfer.offset = 1;
  cr_assert_eq(place_of(b.exchange, transfer), 0u);
}

Test(rendezvous_placed, what_is_said_of_other_transfers_is_malformed) {
  std::vector<unsigned char> buffer(kLong);
  Announced ordinary(buffer.data());
  const std::uint64_t name = ordinary.b.exchange.transfers.id(ordinary.transfer);
  cr_assert_eq(ordinary.placed(ordinary.at_b(), name), Verdict::kMalformed, "never offered");
  cr_assert_eq(ordinary.placed(ordinary.at_b(), 0), Verdict::kMalformed);
  Announced pair;
  const std::uint64_t its_name = pair.b.exchange.transfers.id(pair.transfer);
  cr_assert_eq(pair.placed(pair.b.peer("stranger"), its_name), Verdict::kMalformed);
  cr_assert_eq(pair.placed(pair.at_b(), its_name), Verdict::kTaken);
  cr_assert_eq(pair.placed(pair.at_b(), its_name), Verdict::kMalformed, "has ended");
}

// A place that is none: the bytes come all the same.
Test(rendezvous_placed, a_place_that_leads_nowhere_is_left_alone) {
  for (const std::uint64_t place : {std::uint64_t{1}, std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
    DistantPair pair;
    const auto sent = bytes_of(kLong);
    cr_assert_eq(pair.a.send(pair.to_b, sent.data(), sent.size()), 0);
    SendRequest* request = nullptr;
    pair.a.exchange.sends.for_each([&](SendRequest* found) { request = found; });
    const ClearToSendBody body{pair.a.exchange.sends.id(request), 7, kLong, place, 0};
    cr_assert_eq(on_clear_to_send(pair.a.exchange, pair.at_a(), forged(Operation::kClearToSend, body)),
                 Verdict::kTaken);
    cr_assert_null(request->destination);
  }
}
