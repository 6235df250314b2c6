// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "node.h"
#include "proto/loss.h"
#include "proto/send_stream.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr unsigned kMessages = 12;
constexpr std::size_t kLength = 4000;

// Not in the runs that try the other way.
void prefer_announcing(Peer& peer) {
  while (!peer.stream.announces()) peer.stream.has_ended(false, kLength);
}

void spend(unsigned microseconds) {
  const TimePoint end = Clock::now() + std::chrono::microseconds(microseconds);
  while (Clock::now() < end) {
  }
}

// Of so many messages how many are, if either takes so long.
unsigned announced_of(SendStream& stream, unsigned messages, unsigned announced_us, unsigned along_us) {
  unsigned count = 0;
  for (unsigned i = 0; i < messages; ++i) {
    const bool announced = stream.announces();
    count += announced ? 1 : 0;
    if (announced) stream.has_announced();
    spend(announced ? announced_us : along_us);
    stream.has_ended(announced, kLength);
  }
  return count;
}

// a sends messages without a pass in between; b looks at each.
struct Burst : Couple {
  explicit Burst(std::size_t length, std::uint32_t flags = kWantCompletion, const EndpointSettings& settings = quick())
      : Couple(settings) {
    prefer_announcing(at_a());
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
  prefer_announcing(couple.at_a());
  const auto bytes = bytes_of(kLength);
  while (couple.at_a().channel->has_room()) cr_assert_eq(couple.a.send(couple.to_b, "x", 1, 0, 0), 0);
  for (unsigned i = 0; i < kMessages; ++i) cr_assert_eq(couple.a.send(couple.to_b, bytes.data(), kLength), 0);
  cr_assert_eq(couple.at_a().waiting.size(), kMessages);
  cr_assert(until([&] { return couple.at_a().waiting.empty(); }, couple.a, couple.b));
  cr_assert_eq(couple.a.exchange.sends.in_use(), kMessages - kFewestStreamed, "they are announced");
}

Test(send_stream, a_pass_ends_it) {
  Couple couple;
  prefer_announcing(couple.at_a());
  const auto bytes = bytes_of(kLength);
  for (unsigned i = 0; i < 4 * kFewestStreamed; ++i) {
    Event event;
    cr_assert_eq(couple.a.send(couple.to_b, bytes.data(), bytes.size()), 0);
    couple.b.progress();
    if (i % kFewestStreamed != kFewestStreamed - 1) continue;
    for (std::size_t k = 0; k < kFewestStreamed; ++k) cr_assert(couple.a.next(&event));
    couple.a.progress();
  }
}

// Without a pass either: there are events to read without one.
Test(send_stream, who_sends_one_by_one_does_not_wait_for_receives) {
  Couple couple;
  prefer_announcing(couple.at_a());
  const auto bytes = bytes_of(kLength);
  for (unsigned i = 0; i < kMessages; ++i) {
    Event event;
    cr_assert_eq(couple.a.send(couple.to_b, bytes.data(), bytes.size()), 0);
    cr_assert(couple.a.next(&event));
    couple.b.progress();
  }
}

// Who wants nothing but room for another peer's.
Test(send_stream, unmatched_ones_do_not_use_up_all_sends) {
  Couple couple;
  prefer_announcing(couple.at_a());
  const auto bytes = bytes_of(kLength);
  for (unsigned i = 0; i < 4 * kMostStreamed; ++i) {
    cr_assert_eq(couple.a.send(couple.to_b, bytes.data(), bytes.size()), 0);
    couple.b.progress();
  }
  cr_assert(until([&] { return couple.at_a().waiting.empty(); }, couple.a, couple.b));
  cr_assert_eq(couple.a.exchange.sends.in_use(), kMostStreamed);
  cr_assert_eq(couple.a.exchange.streamed_sends, kMostStreamed);
  begin_loss(couple.a.exchange, couple.at_a(), ECONNRESET);
  cr_assert(until([&] { return couple.a.exchange.sends.in_use() == 0; }, couple.a));
  cr_assert_eq(couple.a.exchange.streamed_sends, 0u);
  cr_assert_eq(couple.at_a().stream.announced(), 0u);
}

Test(send_stream, they_leave_most_sends_to_others) {
  EndpointSettings settings = quick();
  settings.transmit_size = 20;
  Couple couple(settings);
  prefer_announcing(couple.at_a());
  const auto bytes = bytes_of(kLength);
  for (unsigned i = 0; i < 100; ++i) {
    cr_assert_eq(couple.a.send(couple.to_b, bytes.data(), bytes.size()), 0);
    couple.b.progress();
    couple.a.progress();
  }
  cr_assert_leq(couple.a.exchange.sends.in_use(), settings.transmit_size / 4);
}

// There is always an event to read, and never a pass.
Test(send_stream, who_has_one_on_its_way_to_each_of_two_does_not_wait_either) {
  Couple couple;
  Node c(couple.place.device, "c");
  const std::uint64_t to_c = couple.a.insert("c");
  seek_peer(couple.a.exchange, couple.a.peer("c"));
  cr_assert(until([&] { return couple.a.peer("c").state == PeerState::kConnected; }, couple.a, c));
  for (Peer* peer : {&couple.at_a(), &couple.a.peer("c")}) prefer_announcing(*peer);
  const auto bytes = bytes_of(kLength);
  Event event;
  cr_assert_eq(couple.a.send(to_c, bytes.data(), bytes.size()), 0);
  for (unsigned i = 0; i < kMessages; ++i) {
    const std::uint64_t to = i % 2 == 0 ? couple.to_b : to_c;
    cr_assert_eq(couple.a.send(to, bytes.data(), 100, 0, kInject), 0);  // without an event
    cr_assert_eq(couple.a.send(to, bytes.data(), bytes.size()), 0);
    cr_assert(couple.a.next(&event));
    couple.b.progress();
    c.progress();
  }
  cr_assert(couple.a.next(&event));
}

Test(send_stream, short_and_injected_ones_and_those_out_of_reach_go_along) {
  cr_assert_eq(Burst(kShortestStreamed - 1).announced(), 0u);
  cr_assert_gt(Burst(kShortestStreamed).announced(), 0u);
  cr_assert_eq(Burst(kLength, kWantCompletion | kInject).announced(), 0u);
  cr_assert_eq(Burst(kLength, kWantCompletion | kDeliveryComplete).announced(), 0u);
  cr_assert_eq(Burst(kLength, kWantCompletion, without_direct_copy()).announced(), 0u);
}

Test(send_stream, whatever_is_faster_is_found_out_and_kept) {
  for (const bool announcing : {true, false}) {
    SendStream stream;
    announced_of(stream, 4000, announcing ? 1 : 4, announcing ? 4 : 1);
    const unsigned announced = announced_of(stream, 4000, announcing ? 1 : 4, announcing ? 4 : 1);
    if (announcing) {
      cr_assert_geq(announced, 3600u);
    } else {
      cr_assert_leq(announced, 400u);
    }
  }
}

Test(send_stream, what_ends_of_the_run_before_says_nothing) {
  SendStream stream;
  const bool before = stream.announces();
  for (unsigned i = 0; i < 1000; ++i) {
    if (!before) stream.has_announced();
    stream.has_ended(!before, kLength);
  }
  cr_assert_eq(stream.announces(), before);
}

Test(send_stream, is_what_begins_between_two_passes) {
  SendStream stream;
  CompletionQueue queue(16, false);
  for (std::uint32_t pass = ~0u - 3; pass != 3; ++pass) {
    stream.ends_at(1);
    for (std::size_t i = 0; i < kFewestStreamed; ++i) cr_assert_not(stream.grows(pass, &queue));
    cr_assert(stream.grows(pass, &queue));
    cr_assert_not(stream.grows(pass, nullptr));
    stream.ends_at(0);
    cr_assert_not(stream.grows(pass, &queue));
  }
}
