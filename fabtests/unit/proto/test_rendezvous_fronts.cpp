// SPDX-License-Identifier: BSD-2-Clause
// Both sides stepped by hand: the receiver (b) reads what is behind the fronts, the sender (a) puts the fronts.
#include <criterion/criterion.h>

#include <algorithm>

#include "message_stream.h"
#include "proto/loss.h"
#include "proto/polling.h"
#include "proto/rendezvous.h"
#include "proto/share_offer.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr std::size_t kLength = 48'000;
constexpr std::size_t kFront = 24'576;  // half of it, in whole pages
constexpr unsigned kMessages = MessageStream::kMessages;

struct Fronts : MessageStream {
  explicit Fronts(std::size_t length = kLength, std::size_t room = kLength) : MessageStream(length, room) {}
  void start() {
    b.progress();
    cr_assert_eq(at_b().arriving[static_cast<std::size_t>(TransferWay::kShared)], kMessages);
  }
  void finish(int error = 0) {
    cr_assert(expect_all(error) == (std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5}));
    if (error == 0) cr_assert(received == sent);
    cr_assert_not(at_b().offered.active || at_a().taken.active);
    cr_assert_eq(b.exchange.offered, 0u);
  }
  bool there(std::size_t begin, std::size_t end) {
    return std::equal(sent.begin(), sent.end(), received.begin(), [&](const auto& one, const auto& other) {
      return std::equal(one.begin() + begin, one.begin() + end, other.begin() + begin);
    });
  }
  Verdict offer(const std::vector<MessageFront>& fronts, std::uint64_t number = 1, std::uint8_t flags = kInArea,
                int more_bytes = 0) {
    IncomingMessage message =
        forged(Operation::kCopyFronts, AreaPlace{}, flags,
               static_cast<std::uint32_t>(fronts.size() * sizeof(MessageFront) + more_bytes), fronts.data());
    message.data = number;
    return on_copy_fronts(a.exchange, at_a(), message);
  }
  // b's, and what a says to it.
  SharedWord& word() { return head(a, at_a()).progress.share; }
  SharedWord& report() { return head(b, at_b()).progress.report; }
};

}  // namespace

Test(rendezvous_fronts, both_copy) {
  Fronts pair;
  pair.start();
  cr_assert(pair.there(kFront, kLength), "the receiver reads what is behind the fronts");
  cr_assert_not(pair.there(0, 1));
  cr_assert_eq(pair.direct->reads, 1u);
  pair.a.progress();
  cr_assert(pair.there(0, kFront), "the sender puts the fronts");
  pair.finish();
  cr_assert_eq(pair.direct->reads, 1u);
}

Test(rendezvous_fronts, an_absent_sender_is_not_needed) {
  Fronts pair;
  pair.start();
  pair.b.passes(3);
  cr_assert(pair.received == pair.sent);
  cr_assert_eq(pair.direct->reads, 2u);
  cr_assert(pair.b.exchange.incoming.empty());
  pair.finish();
  cr_assert_eq(ReportWord::pieces(pair.report()), 0u);
}

Test(rendezvous_fronts, longer_ones_behind_a_first_that_was_alone) {
  Fronts pair(100'000, 100'000);
  pair.b.progress();
  cr_assert_eq(pair.transfer(0).way, TransferWay::kShared);
  cr_assert_eq(pair.transfer(1).way, TransferWay::kQueued);
  pair.a.progress();
  pair.b.progress();
  cr_assert_eq(pair.at_b().arriving[static_cast<std::size_t>(TransferWay::kShared)], kMessages - 1);
  pair.finish();
}

Test(rendezvous_fronts, each_takes_what_it_has_room_for) {
  constexpr std::size_t kRoom = kLength - 7;
  Fronts pair(kLength, kRoom);
  pair.start();
  pair.finish(kTruncated);
  for (unsigned i = 0; i < kMessages; ++i)
    cr_assert(std::equal(pair.received[i].begin(), pair.received[i].end(), pair.sent[i].begin()));
}

Test(rendezvous_fronts, one_buffer_for_several) {
  Couple couple;
  const auto sent = bytes_of(3 * kLength);
  std::vector<unsigned char> buffer(sent.size());
  prefer(couple.at_b(), true, kLength);
  cr_assert_eq(couple.b.receive(buffer.data(), buffer.size(), 0, ~0ull, kAnyAddress, kWantCompletion | kMultiReceive),
               0);
  for (unsigned i = 0; i < 3; ++i) cr_assert_eq(couple.a.send(couple.to_b, &sent[i * kLength], kLength), 0);
  couple.b.progress();
  cr_assert_eq(couple.at_b().arriving[static_cast<std::size_t>(TransferWay::kShared)], 3u);
  for (unsigned i = 0; i < 3; ++i) cr_assert_eq(await(couple.b, couple.a).error, 0);
  cr_assert(buffer == sent);
}

Test(rendezvous_fronts, the_senders_are_gathered) {
  Couple couple;
  const auto sent = bytes_of(12 * kLength);
  std::vector<unsigned char> received(sent.size());
  prefer(couple.at_b(), true, kLength);
  for (unsigned i = 0; i < 12; ++i) {
    const auto at = [&](std::size_t offset) { return const_cast<unsigned char*>(&sent[i * kLength + offset]); };
    const iovec pieces[] = {{at(0), 3}, {at(3), 9}, {at(12), kFront}, {at(kFront + 12), kLength - kFront - 12}};
    cr_assert_eq(couple.b.receive(&received[i * kLength], kLength), 0);
    cr_assert_eq(couple.a.send(couple.to_b, pieces, 4, 0), 0);
  }
  couple.b.progress();
  cr_assert_gt(couple.at_b().arriving[static_cast<std::size_t>(TransferWay::kShared)], 4u);
  couple.a.progress();
  cr_assert_eq(ReportWord::pieces(couple.head(couple.b, couple.at_b()).progress.report), 1u);
  for (unsigned i = 0; i < 12; ++i) cr_assert_eq(await(couple.b, couple.a).error, 0);
  cr_assert(received == sent);
}

Test(rendezvous_fronts, none_where_a_receive_is_in_pieces) {
  Couple couple;
  const auto sent = bytes_of(2 * kLength);
  std::vector<unsigned char> received(sent.size());
  prefer(couple.at_b(), true, kLength);
  const iovec places[] = {{received.data() + kLength, 1}, {received.data() + kLength + 1, kLength - 1}};
  cr_assert_eq(couple.b.receive(received.data(), kLength), 0);
  cr_assert_eq(post_receive(couple.b.exchange,
                            couple.b.request(WorkType::kTaggedReceive, kWantCompletion, places, 2, kAnyAddress, 0, 0)),
               0);
  for (unsigned i = 0; i < 2; ++i) cr_assert_eq(couple.a.send(couple.to_b, &sent[i * kLength], kLength), 0);
  couple.b.progress();
  cr_assert(received == sent, "they are read together");
  for (unsigned i = 0; i < 2; ++i) cr_assert_eq(await(couple.b, couple.a).error, 0);
}

// Memory of a device, for example: all of them are streamed, by the sender's own loads.
Test(rendezvous_fronts, one_that_cannot_be_read) {
  for (const unsigned bad : {0u, kMessages - 1}) {
    Fronts pair;
    poll_peers(pair.b.exchange);
    pair.transfer(bad).segments.list[0].address = 16;
    pair.start();
    pair.finish();
    cr_assert_not_null(pair.at_b().direct.get());
  }
}

Test(rendezvous_fronts, a_sender_that_cannot_write_leaves_them_to_the_receiver) {
  Fronts pair;
  pair.at_a().direct.reset();
  pair.at_a().direct_tried = true;
  pair.start();
  pair.a.progress();
  cr_assert_not(pair.there(0, 1));
  cr_assert_eq(pair.report(), ReportWord::pack(ShareWord::number(pair.word()), 0));
  pair.finish();
}

// The receive's memory has gone, for the sender.
Test(rendezvous_fronts, a_place_that_the_kernel_cannot_write) {
  Fronts pair;
  pair.start();
  std::vector<MessageFront> fronts;
  for (unsigned i = 0; i < kMessages; ++i) fronts.push_back({pair.transfer(i).envelope.request, 16, kFront});
  cr_assert_eq(pair.offer(fronts, ShareWord::number(pair.word())), Verdict::kTaken);
  cr_assert_eq(pair.report(), ReportWord::pack(ShareWord::number(pair.word()), 0));
  pair.finish();
}

Test(rendezvous_fronts, a_peer_that_is_lost_is_not_waited_for) {
  Fronts pair;
  pair.start();
  begin_loss(pair.b.exchange, pair.at_b(), ECONNRESET);
  pair.b.passes(2);
  for (unsigned i = 0; i < kMessages; ++i) {
    Event event;
    cr_assert(pair.b.next(&event));
    cr_assert_eq(event.error, ECONNRESET);
  }
  cr_assert_eq(pair.b.exchange.offered, 0u);
  cr_assert_eq(pair.b.exchange.transfers.in_use(), 0u);
}

Test(rendezvous_fronts, more_than_was_offered_is_nonsense) {
  Fronts pair;
  pair.start();
  pair.word() = ShareWord::pack(ShareWord::number(pair.word()), 1, 1);
  pair.report() = ReportWord::pack(ShareWord::number(pair.word()), 2);
  pair.b.passes(3);
  Event event;
  cr_assert(pair.b.next(&event));
  cr_assert_eq(event.error, EPROTO);
}

Test(rendezvous_fronts, offers_that_make_no_sense_are_malformed) {
  Fronts pair;
  pair.start();
  const MessageFront good{pair.transfer(0).envelope.request, 4096, kLength};
  cr_assert_eq(pair.offer({good}, 1, 0), Verdict::kMalformed);
  cr_assert_eq(pair.offer({good}, 0), Verdict::kMalformed);
  cr_assert_eq(pair.offer({good}, 1u << 16), Verdict::kMalformed);
  cr_assert_eq(pair.offer({}), Verdict::kMalformed);
  cr_assert_eq(pair.offer({good}, 1, kInArea, -1), Verdict::kMalformed);
  cr_assert_eq(pair.offer(std::vector<MessageFront>(kMostFronts + 1, good)), Verdict::kMalformed);
  cr_assert_eq(pair.offer({good, {good.request + 99, 4096, 1}}), Verdict::kMalformed, "another's message");
  cr_assert_eq(pair.offer({good, {good.request, 4096, 0}}), Verdict::kMalformed);
  cr_assert_eq(pair.offer({{good.request, 4096, kLength + 1}}), Verdict::kMalformed);
  pair.at_a().taken.active = true;
  cr_assert_eq(pair.offer({good}), Verdict::kMalformed, "it is at another");
  pair.at_a().taken.active = false;
  cr_assert_eq(pair.report(), 0u);
  cr_assert_eq(pair.offer({good}, 77), Verdict::kTaken, "not offered, so nothing is taken");
  cr_assert_eq(pair.report(), ReportWord::pack(77, 0));
}

// A pass has time for so much.
Test(rendezvous_fronts, a_peer_that_wants_more_than_a_mebibyte_is_malformed) {
  constexpr std::size_t kLong = 200'000;
  Fronts pair(kLong, kLong);
  poll_peers(pair.b.exchange);
  const MessageFront front{pair.transfer(0).envelope.request, 4096, kLong};
  cr_assert_eq(pair.offer(std::vector<MessageFront>(6, front)), Verdict::kMalformed);
  cr_assert_eq(pair.offer(std::vector<MessageFront>(5, front)), Verdict::kTaken);
}

Test(rendezvous_fronts, one_offer_a_pass) {
  Fronts pair;
  pair.start();
  const MessageFront front{pair.transfer(0).envelope.request, 4096, 1};
  const auto helps = [&](std::uint16_t number) {
    pair.word() = ShareWord::pack(number, 0, 2);
    cr_assert_eq(pair.offer({front}, number), Verdict::kTaken);
    cr_assert_eq(pair.report(), ReportWord::pack(number, 0), "it cannot write there");
    return ShareWord::front(pair.word()) == 1;
  };
  cr_assert(helps(70));
  cr_assert_not(helps(71));
  ++pair.a.exchange.passes;
  cr_assert(helps(72));
}

Test(rendezvous_fronts, short_ones_are_read) {
  constexpr std::size_t kShort = 12'250;
  Fronts pair(kShort, kShort);
  pair.b.progress();
  cr_assert(pair.received == pair.sent);
  cr_assert_eq(pair.direct->reads, 1u);
  pair.expect_all();
}

// The list does not fit there: they are read together instead.
Test(rendezvous_fronts, none_without_room_for_the_list) {
  Fronts pair;
  std::vector<unsigned char> bytes(pair.at_b().channel->max_payload());
  while (pair.at_b().channel->has_room(kMostFronts * sizeof(MessageFront)))
    cr_assert_eq(pair.b.send(pair.to_a, bytes.data(), bytes.size(), 77, 0), 0);
  cr_assert(pair.at_b().channel->has_room());
  pair.b.progress();
  cr_assert(pair.received == pair.sent);
}

Test(rendezvous_fronts, a_receiver_that_is_seldom_there_reads_them) {
  Fronts pair;
  pair.b.exchange.absence = kMostAbsence;
  pair.b.progress();
  cr_assert(pair.received == pair.sent);
  cr_assert_eq(pair.direct->reads, 1u);
}

Test(rendezvous_fronts, a_message_that_has_ended_is_not_copied_any_more) {
  Fronts pair;
  pair.start();
  const MessageFront front{pair.transfer(0).envelope.request, 4096, 1};
  cr_assert_eq(on_finish(pair.a.exchange, pair.at_a(), forged(Operation::kFinish, FinishBody{front.request, 0})),
               Verdict::kTaken);
  cr_assert_eq(pair.offer({front}), Verdict::kMalformed);
}

Test(rendezvous_fronts, one_that_leaves_is_not_helped) {
  Fronts pair;
  pair.start();
  begin_loss(pair.a.exchange, pair.at_a(), ECONNRESET);
  cr_assert_eq(pair.offer({{pair.transfer(0).envelope.request, 4096, 1}}), Verdict::kTaken);
  cr_assert_eq(pair.report(), 0u);
}

// A batch takes one time, and each its share of it.
Test(rendezvous_fronts, what_takes_long_is_streamed_the_next_time) {
  Fronts pair;
  for (unsigned i = 0; i < 20; ++i) pair.at_b().choice.took(false, kLength, Milliseconds{1});
  poll_peers(pair.b.exchange);
  pair.start();
  for (unsigned i = 0; i < kMessages; ++i) pair.transfer(i).begun = {};
  pair.transfer(2).begun = (Clock::now() - std::chrono::hours(1)).time_since_epoch();
  pair.transfer(2).directly = true;
  pair.finish();
  cr_assert_not(pair.at_b().choice.goes_directly(kLength));
}
