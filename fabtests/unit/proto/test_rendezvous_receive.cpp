// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <algorithm>

#include "node.h"
#include "proto/loss.h"
#include "proto/rendezvous.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr std::size_t kLong = 1'000'003;
constexpr std::size_t kMedium = 50'000;  // never shared

// Whose every pass comes late.
EndpointSettings absent_minded() {
  EndpointSettings settings = quick();
  settings.absence = std::chrono::nanoseconds{-1};
  return settings;
}

// A message of `length` bytes was announced and met its receive.
struct Announced : Couple {
  explicit Announced(const EndpointSettings& settings = quick(), std::size_t length = kLong)
      : Couple(settings), sent(bytes_of(length)), received(length) {
    cr_assert_eq(b.receive(received.data(), received.size()), 0);
    cr_assert_eq(a.send(to_b, sent.data(), sent.size()), 0);
    cr_assert(until([&] { return !b.exchange.incoming.empty(); }, b));
    transfer = b.exchange.incoming.front();
  }
  Verdict chunk(Node& node, Peer& peer, std::uint64_t name, std::uint32_t length, std::uint8_t flags = kInArea) {
    return on_chunk(node.exchange, peer, forged(Operation::kChunk, ChunkBody{0, 0, name}, flags, length, sent.data()));
  }

  std::vector<unsigned char> sent, received;
  IncomingTransfer* transfer;
};

// b owes a something that finds no room in a's FIFO: the message is there, and its sender has not been told.
struct Untold : Couple {
  explicit Untold(std::size_t length, std::uint32_t flags = kWantCompletion, const EndpointSettings& settings = quick())
      : Couple(settings), sent(bytes_of(length)), received(length) {
    prefer(at_b(), true, kMedium);
    cr_assert_eq(b.receive(received.data(), length), 0);
    cr_assert_eq(a.send(to_b, sent.data(), length, 0, flags), 0);
    cr_assert_not_null(at_b().channel->peek());  // which may carry credits
    while (at_b().channel->has_room()) cr_assert_eq(b.send(to_a, "x", 1, 7, 0), 0);
    b.passes(10);
    cr_assert(received == sent);
    cr_assert_not(b.next(&event), "the application might stop making progress");
  }
  std::vector<unsigned char> sent, received;
  Event event;
};

}  // namespace

Test(rendezvous_receive, is_streamed_where_direct_copy_is_refused) {
  Announced couple(without_direct_copy());
  cr_assert_null(couple.at_b().direct.get());
  cr_assert_eq(await(couple.b, couple.a).completion.length, kLong);
  cr_assert(couple.received == couple.sent);
  cr_assert_eq(await(couple.a, couple.b).error, 0);
  cr_assert_eq(couple.b.exchange.transfers.in_use() + couple.a.exchange.sends.in_use(), 0u);
}

Test(rendezvous_receive, without_direct_copy_a_silent_sender_is_waited_for) {
  Announced couple(without_direct_copy());
  couple.b.passes(10 * kPatience);
  Event event;
  cr_assert_not(couple.b.next(&event));
  await(couple.b, couple.a);
  cr_assert(couple.received == couple.sent);
}

Test(rendezvous_receive, reads_all_from_a_silent_sender_after_some_patience) {
  Announced couple;
  couple.b.passes(kPatience);
  cr_assert_eq(couple.transfer->back, kLong);
  Event event;
  for (unsigned pass = 0; pass < 10 * kPatience && !couple.b.next(&event); ++pass) couple.b.progress();
  cr_assert_eq(event.completion.length, kLong);
  cr_assert(couple.received == couple.sent);
  cr_assert_eq(await(couple.a, couple.b).error, 0);
}

Test(rendezvous_receive, who_was_elsewhere_has_no_patience) {
  Announced couple(absent_minded());
  couple.b.passes(1);
  Event event;
  cr_assert_not(couple.b.next(&event), "one late pass says little");
  couple.b.passes(1);
  cr_assert(couple.b.next(&event));
  cr_assert(couple.received == couple.sent);
  cr_assert_eq(await(couple.a, couple.b).error, 0);
}

Test(rendezvous_receive, who_was_elsewhere_lately_reads_without_asking) {
  Announced couple(absent_minded());
  await(couple.b);
  couple.b.exchange.absence = kMostAbsence;
  std::vector<unsigned char> second(kLong);
  cr_assert_eq(couple.b.receive(second.data(), second.size()), 0);
  cr_assert_eq(couple.a.send(couple.to_b, couple.sent.data(), couple.sent.size()), 0);
  couple.b.progress();
  Event event;
  cr_assert(couple.b.next(&event), "the very pass that finds it");
  cr_assert(second == couple.sent);
  for (unsigned i = 0; i < 2; ++i) cr_assert_eq(await(couple.a, couple.b).error, 0);
}

Test(rendezvous_receive, who_is_back_asks_and_has_patience_again) {
  Announced couple;
  couple.b.exchange.absence = kAbsent;
  couple.b.progress();
  cr_assert_lt(couple.b.exchange.absence, kAbsent, "the pass followed at once");
  cr_assert_eq(couple.transfer->back, kLong);
  await(couple.b, couple.a);
  cr_assert(couple.received == couple.sent);
}

Test(rendezvous_receive, who_reads_without_asking_asks_when_that_fails) {
  Couple couple;
  const auto sent = bytes_of(kLong);
  std::vector<unsigned char> received(kLong);
  couple.b.exchange.absence = 1000;
  cr_assert_eq(couple.a.send(couple.to_b, sent.data(), sent.size()), 0);
  cr_assert(until([&] { return couple.b.exchange.unexpected.in_use() != 0; }, couple.b));
  cr_assert_eq(couple.b.receive(received.data(), received.size()), 0);
  IncomingTransfer* transfer = couple.b.exchange.incoming.front();
  cr_assert_eq(transfer->way, TransferWay::kReads);
  transfer->segments.list[0].address = 16;
  couple.b.passes(2);
  cr_assert_eq(transfer->way, TransferWay::kStreamed);
  cr_assert_eq(await(couple.b, couple.a).completion.length, kLong);
  cr_assert(received == sent);
}

Test(rendezvous_receive, who_was_elsewhere_is_streamed_to_where_direct_copy_is_refused) {
  EndpointSettings settings = absent_minded();
  settings.direct_copy = false;
  for (unsigned i = 0; i < 2; ++i) {
    Announced couple(settings);
    await(couple.b, couple.a);
    cr_assert(couple.received == couple.sent);
  }
}

Test(rendezvous_receive, stream_and_reading_meet) {
  Announced couple;
  while (couple.transfer->back == kLong) couple.b.progress();
  cr_assert_eq(couple.transfer->back, kLong - kPullSize);
  couple.a.progress();  // a chunk or two
  couple.b.progress();
  cr_assert_gt(couple.transfer->front, 0u);
  while (couple.transfer->back == kLong - kPullSize) couple.b.progress();
  cr_assert_eq(await(couple.b, couple.a).completion.length, kLong);
  cr_assert(couple.received == couple.sent);
  await(couple.a, couple.b);
  couple.a.passes(10);
  couple.b.passes(10);
  cr_assert_eq(couple.at_b().state, PeerState::kConnected, "chunks that come too late are no offence");
}

Test(rendezvous_receive, the_word_about_what_was_read_goes_with_its_transfer) {
  Announced couple;
  while (couple.transfer->back == kLong) couple.b.progress();
  cr_assert_neq(couple.at_a().channel->pulled_by_peer(), 0u);
  await(couple.b);
  cr_assert_eq(couple.at_a().channel->pulled_by_peer(), 0u);
}

// Memory of a device, for example: the kernel cannot read it for us, its owner can.
Test(rendezvous_receive, what_cannot_be_read_directly_is_streamed) {
  Announced couple;
  couple.transfer->segments.list[0].address = 16;
  cr_assert(until([&] { return !couple.transfer->pulls; }, couple.b));
  cr_assert_not_null(couple.at_b().direct.get(), "other messages may be read");
  cr_assert_eq(await(couple.b, couple.a).completion.length, kLong);
  cr_assert(couple.received == couple.sent);
  cr_assert_eq(await(couple.a, couple.b).error, 0);
}

Test(rendezvous_receive, chunks_that_make_no_sense_are_malformed) {
  Announced couple(without_direct_copy(), 100'000);
  const std::uint64_t name = couple.b.exchange.transfers.id(couple.transfer);
  cr_assert_eq(couple.chunk(couple.b, couple.at_b(), name, 10, 0), Verdict::kMalformed);
  couple.transfer->wanted = couple.transfer->back = 100;
  cr_assert_eq(couple.chunk(couple.b, couple.at_b(), name, 101), Verdict::kMalformed);
  cr_assert_eq(couple.chunk(couple.b, couple.at_b(), name, 60), Verdict::kTaken);
  cr_assert_eq(couple.chunk(couple.b, couple.at_b(), name, 41), Verdict::kMalformed);
  cr_assert_eq(couple.chunk(couple.b, couple.b.peer("stranger"), name, 40), Verdict::kMalformed);
  cr_assert_eq(couple.transfer->front, 60u);
  cr_assert_eq(couple.chunk(couple.b, couple.at_b(), name, 40), Verdict::kTaken);
  cr_assert_eq(couple.b.exchange.transfers.in_use(), 0u);
  cr_assert_eq(couple.chunk(couple.b, couple.at_b(), name, 40), Verdict::kTaken, "a late one");
}

Test(rendezvous_receive, several_messages_share_the_way) {
  for (const bool direct : {true, false}) {
    Couple couple(direct ? quick() : without_direct_copy());
    std::vector<std::vector<unsigned char>> sent, received;
    for (unsigned i = 0; i < 20; ++i) {
      sent.push_back(bytes_of(50'000 + 7777 * i, i));
      received.emplace_back(sent.back().size());
    }
    for (unsigned i = 0; i < 20; ++i) cr_assert_eq(couple.a.send(couple.to_b, sent[i].data(), sent[i].size(), i), 0);
    for (unsigned i = 20; i-- > 0;) cr_assert_eq(couple.b.receive(received[i].data(), received[i].size(), i), 0);
    for (unsigned i = 0; i < 20; ++i) await(couple.b, couple.a);
    cr_assert(received == sent);
  }
}

Test(rendezvous_receive, nothing_is_moved_into_an_empty_buffer) {
  Couple couple;
  const auto sent = bytes_of(kLong);
  cr_assert_eq(couple.b.receive(nullptr, 0), 0);
  cr_assert_eq(couple.a.send(couple.to_b, sent.data(), sent.size()), 0);
  const Event event = await(couple.b, couple.a);
  cr_assert_eq(event.error, kTruncated);
  cr_assert_eq(event.overflow_length, kLong);
  cr_assert_eq(await(couple.a, couple.b).error, 0);
}

Test(rendezvous_receive, one_that_is_not_long_is_read_at_once_where_that_is_faster) {
  Couple couple;
  const auto sent = bytes_of(kMedium);
  std::vector<unsigned char> received(kMedium);
  prefer(couple.at_b(), true, kMedium);
  cr_assert_eq(couple.b.receive(received.data(), kMedium), 0);
  cr_assert_eq(couple.a.send(couple.to_b, sent.data(), kMedium), 0);
  couple.b.progress();
  Event event;
  cr_assert(couple.b.next(&event), "the very pass that finds it");
  cr_assert(received == sent);
  cr_assert_eq(await(couple.a, couple.b).error, 0);
}

// Or neither way could be measured.
Test(rendezvous_receive, nothing_goes_one_way_while_something_goes_the_other) {
  Couple couple;
  const auto sent = bytes_of(kLong);
  std::vector<std::vector<unsigned char>> received;
  for (const std::size_t length : {kMedium, kMedium, kMedium, kLong}) received.emplace_back(length);
  std::vector<TransferWay> ways;
  const auto announce = [&](std::vector<unsigned char>& place, bool directly) {
    prefer(couple.at_b(), directly, place.size());
    cr_assert_eq(couple.b.receive(place.data(), place.size()), 0);
    cr_assert_eq(couple.a.send(couple.to_b, sent.data(), place.size()), 0);
    couple.b.progress();
    ways.clear();
    couple.b.exchange.incoming.for_each([&](const IncomingTransfer* transfer) {
      ways.push_back(transfer->way);
      return true;
    });
  };
  for (unsigned i = 0; i < 4; ++i) announce(received[i], i == 2);
  cr_assert(
      ways == (std::vector{TransferWay::kStreamed, TransferWay::kStreamed, TransferWay::kQueued, TransferWay::kQueued}),
      "the last one waits for the one before");
  for (unsigned i = 0; i < 4; ++i) cr_assert_eq(await(couple.b, couple.a).error, 0);
  for (const auto& place : received) cr_assert(std::equal(place.begin(), place.end(), sent.begin()));
  for (const std::uint32_t count : couple.at_b().arriving) cr_assert_eq(count, 0u);
}

Test(rendezvous_receive, ends_when_its_sender_has_been_told) {
  Untold couple(kMedium);
  cr_assert_eq(await(couple.b, couple.a).completion.length, kMedium);
  cr_assert_eq(await(couple.a, couple.b).error, 0);
  cr_assert_eq(couple.b.exchange.transfers.in_use() + couple.a.exchange.sends.in_use(), 0u);
}

Test(rendezvous_receive, one_that_came_with_its_bytes_ends_when_its_sender_has_been_told) {
  Untold couple(1000, kWantCompletion | kDeliveryComplete);
  cr_assert_eq(await(couple.b, couple.a).completion.length, 1000u);
  cr_assert_eq(await(couple.a, couple.b).error, 0);
  cr_assert_eq(couple.b.exchange.transfers.in_use() + couple.a.exchange.sends.in_use(), 0u);
}

// Both may do so, and their applications post receives only when they have completions.
Test(rendezvous_receive, is_not_held_up_by_a_sender_that_is_not_read_from) {
  EndpointSettings settings = quick();
  settings.unexpected_limit = 0;
  Untold couple(kMedium, kWantCompletion, settings);
  cr_assert_eq(couple.a.send(couple.to_b, "y", 1, 5), 0);
  couple.b.passes(2);
  cr_assert(couple.b.next(&couple.event));
  cr_assert_eq(couple.event.completion.length, kMedium);
}

Test(rendezvous_receive, what_is_there_is_not_lost_with_a_sender_that_cannot_be_told) {
  Untold couple(kMedium);
  begin_loss(couple.b.exchange, couple.at_b(), ECONNRESET);
  couple.b.passes(2);
  cr_assert(couple.b.next(&couple.event));
  cr_assert_eq(couple.event.error, 0);
  cr_assert_eq(couple.event.completion.length, kMedium);
  cr_assert_eq(couple.b.exchange.transfers.in_use(), 0u);
}
