// SPDX-License-Identifier: BSD-2-Clause
// Both sides stepped by hand: the receiver (b) reads from the back, the sender (a) puts pieces from the front.
#include <criterion/criterion.h>

#include "node.h"
#include "proto/loss.h"
#include "proto/rendezvous.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr std::size_t kLong = (1u << 20) + 5;
constexpr std::size_t kPiece = 43u * 4096;  // a sixth of it, in whole pages

// A message that was announced and met its receive; sharing it is the faster way, as far as b knows.
struct Shared : Couple {
  explicit Shared(std::size_t room = kLong) : sent(bytes_of(kLong)), received(room) {
    prefer(at_b(), true, kLong);
    cr_assert_eq(b.receive(received.data(), received.size()), 0);
    cr_assert_eq(a.send(to_b, sent.data(), sent.size()), 0);
    b.progress();
    transfer = b.exchange.incoming.front();
    cr_assert_not_null(transfer);
  }
  void finish() {
    cr_assert_eq(await(b, a).error, 0);
    cr_assert_eq(await(a, b).error, 0);
    cr_assert(received == sent);
    cr_assert_not(at_b().offered.active || at_a().taken.active);
    cr_assert_eq(b.exchange.transfers.in_use() + a.exchange.sends.in_use() + b.exchange.offered, 0u);
  }
  bool there(std::size_t piece) { return std::memcmp(&received[piece * kPiece], &sent[piece * kPiece], kPiece) == 0; }

  std::vector<unsigned char> sent, received;
  IncomingTransfer* transfer;
};

}  // namespace

Test(rendezvous_share, both_copy) {
  Shared pair;
  cr_assert_eq(pair.transfer->way, TransferWay::kShared);
  pair.a.progress();
  cr_assert(pair.there(0), "the sender begins at the front");
  cr_assert_not(pair.there(1));
  pair.finish();
}

Test(rendezvous_share, an_absent_sender_is_not_needed) {
  Shared pair;
  pair.b.passes(10);
  cr_assert(pair.received == pair.sent);
  pair.finish();
}

Test(rendezvous_share, one_after_the_other) {
  Shared pair;
  const auto next = bytes_of(kLong, 9);
  std::vector<unsigned char> place(kLong);
  cr_assert_eq(pair.b.receive(place.data(), place.size(), 1), 0);
  cr_assert_eq(pair.a.send(pair.to_b, next.data(), next.size(), 1), 0);
  cr_assert(until([&] { return pair.b.exchange.incoming.size() == 2; }, pair.b));
  cr_assert_eq(pair.b.exchange.incoming.after(pair.transfer)->way, TransferWay::kQueued);
  cr_assert_eq(await(pair.b, pair.a).error, 0);
  cr_assert_eq(await(pair.b, pair.a).error, 0);
  cr_assert(pair.received == pair.sent && place == next);
}

Test(rendezvous_share, a_short_receive_gets_what_it_has_room_for) {
  Shared pair(kLong - 100'000);
  const Event event = await(pair.b, pair.a);
  cr_assert_eq(event.error, kTruncated);
  cr_assert_eq(std::memcmp(pair.received.data(), pair.sent.data(), pair.received.size()), 0);
}

Test(rendezvous_share, memory_that_the_kernel_cannot_read_is_streamed_after_all) {
  Shared pair;
  pair.transfer->segments.list[0].address = 16;
  pair.b.progress();
  cr_assert(until([&] { return pair.transfer->way == TransferWay::kStreamed; }, pair.b, pair.a));
  pair.finish();
}

Test(rendezvous_share, a_sender_that_cannot_write_leaves_it_to_the_receiver) {
  Shared pair;
  pair.at_a().direct.reset();
  pair.finish();
}

Test(rendezvous_share, a_message_that_has_ended_is_not_copied_any_more) {
  Shared pair;
  pair.a.progress();
  cr_assert_eq(on_finish(pair.a.exchange, pair.at_a(),
                         forged(Operation::kFinish, FinishBody{pair.transfer->envelope.request, 0})),
               Verdict::kTaken);
  pair.a.progress();
  cr_assert_not(pair.at_a().taken.active);
}

Test(rendezvous_share, offers_of_other_messages_are_malformed) {
  Shared pair;
  const auto offer = [&](std::uint64_t request, std::uint64_t piece, std::uint64_t number) {
    IncomingMessage message = forged(Operation::kClearToSend, ClearToSendBody{request, 1, kLong, 4096, piece});
    message.data = number;
    return on_clear_to_send(pair.a.exchange, pair.at_a(), message);
  };
  const std::uint64_t request = pair.transfer->envelope.request;
  cr_assert_eq(offer(request + 1, kPiece, 1), Verdict::kMalformed);
  cr_assert_eq(offer(request, 0, 1), Verdict::kMalformed);
  cr_assert_eq(offer(request, 1ull << 33, 1), Verdict::kMalformed);
  cr_assert_eq(offer(request, kPiece, 1u << 16), Verdict::kMalformed);
  cr_assert_eq(offer(request, kPiece, 1), Verdict::kTaken);
  cr_assert_eq(offer(request, kPiece, 2), Verdict::kMalformed, "it is at the first");
}

Test(rendezvous_share, a_peer_that_is_lost_is_not_waited_for) {
  Shared pair;
  begin_loss(pair.b.exchange, pair.at_b(), ECONNRESET);
  pair.b.passes(2);
  Event event;
  cr_assert(pair.b.next(&event));
  cr_assert_eq(event.error, ECONNRESET);
  cr_assert_eq(pair.b.exchange.offered, 0u);
}

Test(rendezvous_share, chunks_that_nobody_asked_for_are_malformed) {
  Shared pair;
  const std::uint64_t name = pair.b.exchange.transfers.id(pair.transfer);
  cr_assert_eq(on_chunk(pair.b.exchange, pair.at_b(),
                        forged(Operation::kChunk, ChunkBody{0, 0, name}, kInArea, 64, pair.sent.data())),
               Verdict::kMalformed);
  pair.finish();
}

// The kernel's refusal costs time that only direct copies are charged with.
Test(rendezvous_share, what_could_not_be_shared_is_streamed_the_next_time) {
  Shared pair;
  for (unsigned i = 0; i < 20; ++i) pair.at_b().choice.took(false, kLong, Milliseconds{1});
  cr_assert(pair.at_b().choice.goes_directly(kLong));
  pair.transfer->segments.list[0].address = 16;
  pair.transfer->begun -= std::chrono::hours(1);
  pair.finish();
  cr_assert_not(pair.at_b().choice.goes_directly(kLong));
}
