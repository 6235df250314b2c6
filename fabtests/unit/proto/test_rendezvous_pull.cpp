// SPDX-License-Identifier: BSD-2-Clause
// Streams of announced messages which the receiver reads, several by one call.
#include <criterion/criterion.h>

#include <algorithm>

#include "message_stream.h"
#include "proto/polling.h"
#include "proto/rendezvous.h"
#include "proto/rendezvous_pull.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr std::size_t kMedium = 20'000;
constexpr unsigned kMessages = MessageStream::kMessages;

// The sender does not look, so that it is not asked to help.
struct Stream : MessageStream {
  explicit Stream(std::size_t length = kMedium, std::size_t room = kMedium) : MessageStream(length, room) {
    at_a().channel->set_polled(false);
  }
};

}  // namespace

Test(rendezvous_pull, one_call_reads_what_one_pass_finds) {
  Stream stream;
  stream.b.progress();
  cr_assert(stream.received == stream.sent);
  cr_assert_eq(stream.direct->reads, 1u);
  cr_assert(stream.expect_all() == (std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5}));
}

Test(rendezvous_pull, each_takes_what_it_has_room_for) {
  constexpr std::size_t kRoom = kMedium - 7;
  Stream stream(kMedium, kRoom);
  stream.b.progress();
  for (unsigned i = 0; i < kMessages; ++i)
    cr_assert(std::equal(stream.received[i].begin(), stream.received[i].end(), stream.sent[i].begin()));
  cr_assert_eq(stream.direct->reads, 1u);
  stream.expect_all(kTruncated);
}

Test(rendezvous_pull, pieces_on_both_sides) {
  Stream stream;
  stream.b.progress();
  stream.expect_all();
  std::vector<unsigned char> in(4 * kMedium), out = bytes_of(4 * kMedium, 9);
  for (unsigned i = 0; i < 2; ++i) {
    unsigned char *to = in.data() + i * 2 * kMedium, *from = out.data() + i * 2 * kMedium;
    const iovec places[] = {{to, 1}, {to + 1, kMedium}, {to + 1 + kMedium, kMedium - 1}};
    const iovec pieces[] = {{from, kMedium - 3}, {from + kMedium - 3, 5}, {from + kMedium + 2, kMedium - 2}};
    cr_assert_eq(post_receive(stream.b.exchange, stream.b.request(WorkType::kTaggedReceive, kWantCompletion, places, 3,
                                                                  kAnyAddress, 0, 0)),
                 0);
    cr_assert_eq(stream.a.send(stream.to_b, pieces, 3, 0), 0);
  }
  const unsigned before = stream.direct->reads;
  prefer(stream.at_b(), true, 2 * kMedium);
  stream.b.progress();
  cr_assert(in == out);
  cr_assert_eq(stream.direct->reads - before, 1u);
}

// Memory of a device, for example.
Test(rendezvous_pull, one_that_cannot_be_read_is_streamed_alone) {
  for (const unsigned bad : {0u, 3u, kMessages - 1}) {
    Stream stream;
    poll_peers(stream.b.exchange);
    stream.transfer(bad).segments.list[0].address = 16;
    stream.expect_all();
    cr_assert(stream.received == stream.sent);
    cr_assert_not_null(stream.at_b().direct.get());
  }
}

// Also of one that has no patience, and finds out between two calls.
Test(rendezvous_pull, whoever_is_seldom_there_has_them_streamed_as_well) {
  for (const std::size_t length : {std::size_t{60'000}, std::size_t{1'000'000}}) {
    Stream stream(length, length);
    stream.b.exchange.absence = kMostAbsence;
    stream.direct->refuses = EPERM;
    stream.expect_all();
    cr_assert(stream.received == stream.sent);
    cr_assert_null(stream.at_b().direct.get());
  }
}

Test(rendezvous_pull, a_short_one_and_a_long_one_behind_it) {
  for (const bool refuses : {false, true}) {
    Stream stream;
    stream.expect_all();
    stream.b.exchange.absence = kMostAbsence;
    stream.direct->refuses = refuses ? EPERM : 0;
    std::vector<std::vector<unsigned char>> in, out;
    for (const std::size_t length : {kMedium, 50 * kMedium, kMedium}) {
      out.push_back(bytes_of(length));
      in.emplace_back(length);
    }
    for (unsigned i = 0; i < 3; ++i) {
      cr_assert_eq(stream.b.receive(in[i].data(), in[i].size()), 0);
      cr_assert_eq(stream.a.send(stream.to_b, out[i].data(), out[i].size()), 0);
    }
    for (unsigned i = 0; i < 3; ++i) cr_assert_eq(await(stream.b, stream.a).error, 0);
    cr_assert(in == out);
    cr_assert_eq(stream.at_b().direct == nullptr, refuses);
  }
}

// Returns the calls that a receiver needs for so many messages, which it reads all by itself.
unsigned reads_of(unsigned messages, std::size_t length) {
  EndpointSettings settings = quick();
  settings.absence = std::chrono::nanoseconds{-1};
  Couple couple(settings);
  auto* direct = new Counting(std::move(couple.at_b().direct));
  couple.at_b().direct.reset(direct);
  const auto bytes = bytes_of(length);
  std::vector<unsigned char> received(messages * length);
  for (unsigned i = 0; i < messages; ++i) cr_assert_eq(couple.a.send(couple.to_b, bytes.data(), length), 0);
  couple.b.passes(3);
  couple.b.exchange.absence = kMostAbsence;
  for (unsigned i = 0; i < messages; ++i) cr_assert_eq(couple.b.receive(&received[i * length], length), 0);
  for (unsigned i = 0; i < messages; ++i) cr_assert_eq(await(couple.b).error, 0);
  for (unsigned i = 0; i < messages; ++i) cr_assert(std::equal(bytes.begin(), bytes.end(), &received[i * length]));
  return direct->reads;
}

Test(rendezvous_pull, many_take_few_calls) {
  cr_assert_leq(reads_of(40, kMedium), (40u + kMostFronts - 1) / kMostFronts + 1);
}

Test(rendezvous_pull, one_call_reads_only_so_much) { cr_assert_eq(reads_of(10, 240'000), 5u); }

Test(rendezvous_pull, one_buffer_for_several) {
  Stream stream;
  stream.expect_all();
  std::vector<unsigned char> buffer(kMessages * kMedium);
  prefer(stream.at_b(), true, kMedium);
  cr_assert_eq(stream.b.receive(buffer.data(), buffer.size(), 0, ~0ull, kAnyAddress, kWantCompletion | kMultiReceive),
               0);
  for (const auto& bytes : stream.sent) cr_assert_eq(stream.a.send(stream.to_b, bytes.data(), kMedium), 0);
  const unsigned before = stream.direct->reads;
  stream.b.progress();
  cr_assert_eq(stream.direct->reads - before, 1u);
  for (unsigned i = 0; i < kMessages; ++i)
    cr_assert(std::equal(stream.sent[i].begin(), stream.sent[i].end(), &buffer[i * kMedium]), "message %u", i);
}

// Through the FIFO and announced, they meet receives in the order in which they were sent.
Test(rendezvous_pull, short_ones_of_a_stream_keep_their_order) {
  constexpr std::size_t kShort = 3000;
  constexpr unsigned kMany = 60;
  Couple couple;
  std::vector<std::vector<unsigned char>> sent, received;
  for (unsigned i = 0; i < kMany; ++i) {
    sent.push_back(bytes_of(i % 3 == 0 ? 10 : kShort, i));
    received.emplace_back(sent.back().size());
    cr_assert_eq(couple.b.receive(received[i].data(), received[i].size()), 0);
  }
  while (!couple.at_a().stream.announces()) couple.at_a().stream.has_ended(false, kShort);
  for (unsigned i = 0; i < kMany; ++i) cr_assert_eq(couple.a.send(couple.to_b, sent[i].data(), sent[i].size()), 0);
  couple.a.progress();
  unsigned announced = 0;
  couple.a.exchange.sends.for_each(
      [&](SendRequest* request) { announced += request->state == SendState::kAnnounced ? 1 : 0; });
  for (unsigned i = 0; i < kMany; ++i) cr_assert_eq(await(couple.b, couple.a).error, 0);
  cr_assert(received == sent);
  cr_assert_gt(announced, 0u);
}

Test(rendezvous_pull, all_are_streamed_when_the_kernel_refuses) {
  Stream stream;
  stream.direct->refuses = EPERM;
  stream.expect_all();
  cr_assert(stream.received == stream.sent);
  cr_assert_null(stream.at_b().direct.get());
}

Test(rendezvous_pull, messages_of_two_senders_are_read_apart) {
  Stream stream;
  stream.expect_all();
  Node c(stream.place.device, "c");
  const std::uint64_t from_c = c.insert("b");
  seek_peer(c.exchange, c.peer("b"));
  cr_assert(until([&] { return c.peer("b").state == PeerState::kConnected; }, c, stream.b));
  for (Peer* sender : {&stream.at_b(), &stream.b.peer("c")}) prefer(*sender, true, kMedium);
  for (auto& place : stream.received) place.assign(kMedium, 0);
  for (unsigned i = 0; i < kMessages; ++i) {
    cr_assert_eq(stream.b.receive(stream.received[i].data(), kMedium, i), 0);
    Node& sender = i % 2 == 0 ? stream.a : c;
    cr_assert_eq(sender.send(i % 2 == 0 ? stream.to_b : from_c, stream.sent[i].data(), kMedium, i), 0);
  }
  const unsigned before = stream.direct->reads;
  stream.b.progress();
  cr_assert(stream.received == stream.sent);
  cr_assert_eq(stream.direct->reads - before, 1u);
}

// Memory of a device, all of it.
Test(rendezvous_pull, what_can_never_be_read_is_streamed_at_once_before_long) {
  Couple couple;
  auto* direct = new Counting(std::move(couple.at_b().direct));
  direct->refuses = EFAULT;
  direct->takes = Milliseconds{1};
  couple.at_b().direct.reset(direct);
  const auto bytes = bytes_of(kMedium);
  std::vector<unsigned char> received(kMedium);
  unsigned reads = 0;
  for (unsigned i = 0; i < 200; ++i) {
    if (i == 150) reads = direct->reads;
    cr_assert_eq(couple.b.receive(received.data(), kMedium), 0);
    cr_assert_eq(couple.a.send(couple.to_b, bytes.data(), kMedium), 0);
    cr_assert_eq(await(couple.b, couple.a).error, 0);
    cr_assert_eq(await(couple.a, couple.b).error, 0);
  }
  cr_assert_gt(reads, 0u);
  cr_assert_eq(direct->reads, reads);
}

Test(rendezvous_pull, each_of_a_batch_has_its_share_of_the_time) {
  Stream stream;
  poll_peers(stream.b.exchange);
  IncomingTransfer& transfer = stream.transfer(0);
  TransferChoice& choice = stream.at_b().choice = {};
  choice.took(false, kMedium, Milliseconds{600});
  transfer.begun = (Clock::now() - Milliseconds{1000}).time_since_epoch();
  transfer.directly = true;
  note_duration(transfer, 5 * kMedium / 2);  // 400 ms
  for (unsigned i = 0; i < 128; ++i) choice.take_turn(kMedium);
  cr_assert(choice.goes_directly(kMedium));
}

Test(rendezvous_pull, a_batch_takes_one_time) {
  Stream stream;
  poll_peers(stream.b.exchange);
  PullBatch batch;
  for (unsigned i = 0; i < kMessages; ++i) {
    stream.transfer(i).begun = Clock::duration{i == 0 ? 0 : 7};
    cr_assert(batch.takes(stream.transfer(i)));
    batch.add(stream.transfer(i));
  }
  for (unsigned i = 0; i < kMessages; ++i) cr_assert_eq(stream.transfer(i).begun.count(), i == 1 ? 7 : 0);
  cr_assert_eq(batch.count(), kMessages);
}
