// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <algorithm>

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
      more = !a.exchange.streaming.empty();
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

// Places that are none.
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

Test(rendezvous_placed, who_is_asked_again_begins_again) {
  Announced pair;
  pair.a.progress();
  SendRequest* request = pair.a.exchange.streaming.front();
  cr_assert(request != nullptr && request->position == kPlacedSize);
  const ClearToSendBody body{pair.a.exchange.sends.id(request), request->transfer, kLong,
                             pair.b.exchange.region->place_of(pair.memory + 33, kLong), 0};
  cr_assert_eq(on_clear_to_send(pair.a.exchange, pair.at_a(), forged(Operation::kClearToSend, body)), Verdict::kTaken);
  cr_assert_eq(request->position, 0u);
  cr_assert_eq(await(pair.b, pair.a).error, 0);
  cr_assert_arr_eq(pair.memory + 33, pair.sent.data(), kLong);
}

// Whoever has said goodbye may use the memory for something else.
Test(rendezvous_placed, nothing_is_stored_behind_a_goodbye) {
  Announced pair;
  pair.a.progress();
  cr_assert_eq(pair.a.exchange.streaming.front()->position, kPlacedSize);
  pair.b.say_goodbye(pair.at_b());
  pair.a.passes(10);
  unsigned char* const rest = pair.memory + 33 + kPlacedSize;
  cr_assert(std::all_of(rest, pair.memory + kPlacedBytes, [](unsigned char byte) { return byte == 0; }));
  Event event;
  cr_assert(pair.a.next(&event));
  cr_assert_eq(event.error, ECONNRESET);
}

Test(rendezvous_placed, several_messages_of_several_segments) {
  DistantPair pair;
  const auto sent = bytes_of(kPlacedBytes);
  constexpr std::size_t kEach = kPlacedBytes / 4;
  for (std::size_t i = 0; i < 4; ++i) {
    auto* bytes = const_cast<unsigned char*>(sent.data()) + i * kEach;
    const iovec segments[] = {
        {bytes, 1}, {bytes + 1, 0}, {bytes + 1, kEach / 2}, {bytes + 1 + kEach / 2, kEach / 2 - 1}};
    cr_assert_eq(pair.a.send(pair.to_b, segments, 4, i), 0);
  }
  for (std::size_t i = 4; i-- > 0;) cr_assert_eq(pair.b.receive(pair.memory + i * kEach, kEach, i), 0);
  for (std::size_t i = 0; i < 4; ++i) cr_assert_eq(await(pair.b, pair.a).error, 0);
  cr_assert_arr_eq(pair.memory, sent.data(), kPlacedBytes);
}

// Each message behind the one before.
Test(rendezvous_placed, multi_receive) {
  DistantPair pair;
  const auto sent = bytes_of(kPlacedBytes / 2);
  cr_assert_eq(pair.b.receive(pair.memory, kPlacedBytes, 0, 0, kAnyAddress, kWantCompletion | kMultiReceive), 0);
  for (int i = 0; i < 2; ++i) {
    cr_assert_eq(pair.a.send(pair.to_b, sent.data(), sent.size()), 0);
    cr_assert_eq(await(pair.b, pair.a).error, 0);
    cr_assert_arr_eq(pair.memory + i * sent.size(), sent.data(), sent.size());
  }
}
