// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "node.h"
#include "proto/send_stream.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr unsigned kMessages = 12;
constexpr std::size_t kLength = 4000;

// a sends messages without a pass in between; b looks at each.
struct Burst : Couple {
  explicit Burst(std::size_t length, std::uint32_t flags = kWantCompletion, const EndpointSettings& settings = quick())
      : Couple(settings) {
    for (unsigned i = 0; i < kMessages; ++i) {
      sent.push_back(bytes_of(length, i));
      received.emplace_back(length);
      cr_assert_eq(a.send(to_b, sent[i].data(), length, i, flags), 0);
      b.progress();
    }
  }
  unsigned announced() {
    unsigned count = 0;
    a.exchange.sends.for_each([&](SendRequest* request) { count += request->state == SendState::kAnnounced ? 1 : 0; });
    return count;
  }
  std::vector<std::vector<unsigned char>> sent, received;
};

}  // namespace

Test(send_stream, those_after_the_first_few_are_announced) {
  Burst burst(kLength);
  Event event;
  for (std::size_t i = 0; i < kFewestStreamed; ++i) cr_assert(burst.a.next(&event));
  cr_assert_not(burst.a.next(&event));
  cr_assert_eq(burst.announced(), kMessages - kFewestStreamed);
  for (unsigned i = 0; i < kMessages; ++i) cr_assert_eq(burst.b.receive(burst.received[i].data(), kLength, i), 0);
  for (unsigned i = 0; i < kMessages; ++i) cr_assert_eq(await(burst.b, burst.a).completion.tag, i);
  cr_assert(burst.received == burst.sent);
  for (std::size_t i = kFewestStreamed; i < kMessages; ++i) cr_assert_eq(await(burst.a, burst.b).error, 0);
}

Test(send_stream, of_those_that_waited_for_room_the_last_few_are_not) {
  Couple couple;
  const auto bytes = bytes_of(kLength);
  while (couple.at_a().channel->has_room()) cr_assert_eq(couple.a.send(couple.to_b, "x", 1, 0, 0), 0);
  for (unsigned i = 0; i < kMessages; ++i) cr_assert_eq(couple.a.send(couple.to_b, bytes.data(), kLength), 0);
  cr_assert_eq(couple.at_a().waiting.size(), kMessages);
  cr_assert(until([&] { return couple.at_a().waiting.empty(); }, couple.a, couple.b));
  cr_assert_eq(couple.a.exchange.sends.in_use(), kMessages - kFewestStreamed, "they are announced");
}

Test(send_stream, a_pass_ends_it) {
  Couple couple;
  const auto bytes = bytes_of(kLength);
  for (unsigned i = 0; i < 4 * kFewestStreamed; ++i) {
    Event event;
    cr_assert_eq(couple.a.send(couple.to_b, bytes.data(), bytes.size()), 0);
    couple.b.progress();
    cr_assert(couple.a.next(&event));
    if (i % kFewestStreamed == kFewestStreamed - 1) couple.a.progress();
  }
}

Test(send_stream, short_and_injected_ones_and_those_out_of_reach_go_along) {
  cr_assert_eq(Burst(kShortestStreamed - 1).announced(), 0u);
  cr_assert_gt(Burst(kShortestStreamed).announced(), 0u);
  cr_assert_eq(Burst(kLength, kWantCompletion | kInject).announced(), 0u);
  cr_assert_eq(Burst(kLength, kWantCompletion | kDeliveryComplete).announced(), 0u);
  cr_assert_eq(Burst(kLength, kWantCompletion, without_direct_copy()).announced(), 0u);
}

// As on a machine where the FIFO is faster.
Test(send_stream, a_receiver_that_would_rather_stream_is_sent_them_soon) {
  Couple couple;
  const auto bytes = bytes_of(kLength);
  std::vector<unsigned char> received(kLength);
  std::size_t announced = 0;
  for (unsigned round = 0; round < 20; ++round) {
    prefer(couple.at_b(), false, kLength);
    for (unsigned i = 0; i < kMessages; ++i) {
      cr_assert_eq(couple.b.receive(received.data(), received.size()), 0);
      cr_assert_eq(couple.a.send(couple.to_b, bytes.data(), bytes.size()), 0);
      couple.b.progress();
    }
    announced = couple.a.exchange.sends.in_use();
    for (unsigned i = 0; i < kMessages; ++i) cr_assert_eq(await(couple.b, couple.a).error, 0);
    for (unsigned i = 0; i < kMessages; ++i) cr_assert_eq(await(couple.a, couple.b).error, 0);
    if (round == 0) cr_assert_eq(announced, kMessages - kFewestStreamed);
  }
  cr_assert_eq(announced, 0u);
}

Test(send_stream, trials_change_nothing) {
  SendStream stream;
  for (unsigned i = 0; i < 10'000; ++i) {
    if (i % (i < 32 ? 4 : 64) == 0) stream.was_asked_for();
    stream.was_finished();
    cr_assert(stream.announces());
  }
}

Test(send_stream, is_tried_again_after_a_while) {
  SendStream stream;
  while (stream.announces()) stream.was_asked_for();
  unsigned usual = 1;
  while (!stream.announces()) ++usual;
  cr_assert_gt(usual, 1000u);
}
