// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <algorithm>

#include "node.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

AnnounceBody announcement(std::uint32_t segments, std::uint64_t length, const void* address) {
  return {0, segments, 77, length, reinterpret_cast<std::uintptr_t>(address)};
}

}  // namespace

Test(arrival, matches_in_order_with_posted_and_with_unexpected_messages) {
  Couple couple;
  unsigned char out[6] = {0, 1, 2, 3, 4, 5}, in[6] = {};
  for (unsigned i = 0; i < 3; ++i) cr_assert_eq(couple.a.send(couple.to_b, &out[i], 1, i % 2), 0);
  couple.b.passes(2);
  cr_assert_eq(couple.b.exchange.tagged.unexpected(), 3u);
  cr_assert_eq(couple.b.receive(&in[0], 1, 1), 0);
  for (unsigned i = 1; i < 6; ++i) cr_assert_eq(couple.b.receive(&in[i], 1, 0, ~0ull), 0);
  for (unsigned i = 3; i < 6; ++i) cr_assert_eq(couple.a.send(couple.to_b, &out[i], 1, i), 0);
  for (const unsigned char expected : {1, 0, 2, 3, 4, 5})
    cr_assert_eq(*static_cast<unsigned char*>(await(couple.b).completion.context), expected);
  cr_assert_eq(couple.b.exchange.unexpected.in_use(), 0u);
  cr_assert_eq(couple.at_b().unexpected_bytes, 0u);
}

Test(arrival, posts_at_once_where_nothing_is_in_the_way) {
  Couple couple;
  Exchange& exchange = couple.b.exchange;
  char byte[2] = {};
  iovec segments[2] = {{byte, 1}, {byte + 1, 1}};
  WorkRequest work{.type = WorkType::kTaggedReceive,
                   .flags = kWantCompletion,
                   .segment_count = 1,
                   .segments = segments,
                   .length = 1,
                   .address = kAnyAddress,
                   .tag = 5,
                   .ignore = 0,
                   .data = 0,
                   .context = byte};
  cr_assert_not(post_at_once(exchange, work), "no request was ever released");
  cr_assert_eq(post_receive(exchange, work), 0);
  cr_assert_eq(couple.a.send(couple.to_b, "a", 1, 5), 0);
  cr_assert_eq(await(couple.b).completion.context, byte);
  cr_assert(post_at_once(exchange, work));
  cr_assert_eq(exchange.tagged.posted(), 1u);
  cr_assert_eq(couple.a.send(couple.to_b, "b", 1, 5), 0);
  cr_assert_eq(await(couple.b).completion.length, 1u);
  cr_assert_eq(byte[0], 'b');

  work.segment_count = 2;
  cr_assert_not(post_at_once(exchange, work), "two segments");
  work.segment_count = 1;
  work.flags |= kPeek;
  cr_assert_not(post_at_once(exchange, work), "a peek");
  work.flags = kWantCompletion;
  cr_assert_eq(couple.a.send(couple.to_b, "c", 1, 6), 0);
  couple.b.passes(2);
  cr_assert_not(post_at_once(exchange, work), "something unexpected may be for it");
  cr_assert_eq(exchange.tagged.posted(), 0u);
}

Test(arrival, posts_directed_receives_at_once_only_for_who_is_met) {
  EndpointSettings settings = quick();
  settings.directed_receive = true;
  Couple couple(settings);
  Exchange& exchange = couple.b.exchange;
  char byte = 0;
  const iovec segment{&byte, 1};
  const auto directed = [&](std::uint64_t source) {
    return couple.b.request(WorkType::kTaggedReceive, kWantCompletion, &segment, 1, source, 0, 0);
  };
  cr_assert_eq(couple.b.receive(&byte, 1, 0, 0, couple.to_a), 0);
  cr_assert_eq(couple.a.send(couple.to_b, "a", 1), 0);
  cr_assert_eq(await(couple.b).completion.context, &byte);
  cr_assert(post_at_once(exchange, directed(couple.to_a)));
  cr_assert_eq(couple.a.send(couple.to_b, "b", 1), 0);
  cr_assert_eq(await(couple.b).completion.context, &byte);

  const std::uint64_t stranger = couple.b.insert("nobody");
  cr_assert_not(post_at_once(exchange, directed(stranger)), "not met yet");
  cr_assert_not_null(exchange.peers.at_address(stranger));
  cr_assert_not(post_at_once(exchange, directed(stranger)), "nobody looks for it yet");
  cr_assert_not(post_at_once(exchange, directed(1234)), "unknown");
  cr_assert_eq(exchange.tagged.posted(), 0u);
}

Test(arrival, a_directed_receive_takes_its_source_only) {
  EndpointSettings settings = quick();
  settings.directed_receive = true;
  Couple couple(settings);
  Node c(couple.place.device, "c");
  const std::uint64_t from_c = c.insert("b"), to_c = couple.b.insert("c");
  char first = 0, second = 0;
  cr_assert_eq(couple.b.receive(&first, 1, 0, 0, to_c), 0);
  cr_assert_eq(couple.b.receive(&second, 1, 0, 0, couple.to_a), 0);
  cr_assert_eq(couple.a.send(couple.to_b, "a", 1), 0);
  cr_assert_eq(await(couple.b).completion.context, &second);
  cr_assert_eq(c.send(from_c, "c", 1), 0);
  cr_assert_eq(await(couple.b, c).completion.context, &first);
  cr_assert_eq(first, 'c');
  cr_assert_eq(couple.b.receive(&first, 1, 0, 0, 1234), -EINVAL);
}

Test(arrival, a_longer_message_is_cut_and_said_to_be) {
  Couple couple;
  for (const std::size_t length : {std::size_t{20}, std::size_t{2000}, std::size_t{200'000}}) {
    const auto bytes = bytes_of(length);
    std::vector<unsigned char> received(length, 0xff);
    cr_assert_eq(couple.b.receive(received.data(), 10), 0);
    cr_assert_eq(couple.a.send(couple.to_b, bytes.data(), length), 0);
    const Event event = await(couple.b, couple.a);
    cr_assert_eq(event.error, kTruncated);
    cr_assert_eq(event.completion.length, 10u);
    cr_assert_eq(event.overflow_length, length - 10);
    cr_assert(std::equal(received.begin(), received.begin() + 10, bytes.begin()));
    cr_assert_eq(received[10], 0xff);
    cr_assert_eq(await(couple.a, couple.b).error, 0, "the sender's message was sent");
  }
}

Test(arrival, a_multi_receive_buffer_takes_messages_until_too_little_is_left) {
  Couple couple;
  couple.b.exchange.min_multi_receive = 100;
  std::vector<unsigned char> buffer(350);
  const auto bytes = bytes_of(100);
  cr_assert_eq(couple.b.receive(buffer.data(), buffer.size(), 0, 0, kAnyAddress, kWantCompletion | kMultiReceive), 0);
  for (unsigned i = 0; i < 3; ++i) {
    cr_assert_eq(couple.a.send(couple.to_b, bytes.data(), 100), 0);
    const Event event = await(couple.b);
    cr_assert_eq(event.completion.buffer, buffer.data() + 100 * i);
    cr_assert_eq((event.completion.flags & kCompletionMultiReceive) != 0, i == 2);
    cr_assert(std::equal(bytes.begin(), bytes.end(), buffer.begin() + 100 * i));
  }
  cr_assert_eq(couple.b.exchange.receives.in_use(), 0u);
}

// A minimum of nothing must not keep a buffer open that has nothing left: the next message would land behind its end.
Test(arrival, a_full_multi_receive_buffer_is_done_whatever_the_minimum) {
  for (const std::size_t length : {std::size_t{60}, std::size_t{64}, std::size_t{1000}, std::size_t{100'000}}) {
    Couple couple;
    couple.b.exchange.min_multi_receive = 0;
    std::vector<unsigned char> buffer(64);
    const auto bytes = bytes_of(length);
    cr_assert_eq(couple.b.receive(buffer.data(), 64, 0, 0, kAnyAddress, kWantCompletion | kMultiReceive), 0);
    cr_assert_eq(couple.a.send(couple.to_b, bytes.data(), length), 0);
    Event event = await(couple.b, couple.a);
    if (length < 64) {
      cr_assert_eq(event.completion.flags & kCompletionMultiReceive, 0u);
      cr_assert_eq(couple.a.send(couple.to_b, bytes.data(), length), 0);
      event = await(couple.b, couple.a);
      cr_assert_eq(event.completion.buffer, buffer.data() + length);
    }
    cr_assert_eq(event.error, length == 64 ? 0 : kTruncated);
    cr_assert_neq(event.completion.flags & kCompletionMultiReceive, 0u);
    cr_assert_eq(couple.b.exchange.tagged.posted(), 0u);
  }
}

Test(arrival, a_full_queue_leaves_messages_where_they_are) {
  Couple couple(quick(), 4);
  char in[10];
  for (char& byte : in) cr_assert_eq(couple.b.receive(&byte, 1), 0);
  for (unsigned i = 0; i < 10; ++i) cr_assert_eq(couple.a.send(couple.to_b, "x", 1, 0, 0), 0);
  couple.b.passes(100);
  cr_assert_eq(couple.b.exchange.tagged.posted(), 6u);
  for (unsigned i = 0; i < 10; ++i) cr_assert_eq(await(couple.b).completion.context, &in[i]);
}

Test(arrival, unexpected_messages_have_a_limit_for_each_peer) {
  EndpointSettings settings = quick();
  settings.unexpected_limit = 4096;
  Couple couple(settings);
  const auto bytes = bytes_of(1000);
  for (unsigned i = 0; i < 30; ++i) cr_assert_eq(couple.a.send(couple.to_b, bytes.data(), 1000, 0, 0), 0);
  for (unsigned i = 0; i < 50; ++i) {
    couple.b.progress();
    couple.a.progress();
  }
  cr_assert_leq(couple.at_b().unexpected_bytes, 4096 + sizeof(UnexpectedRequest));
  cr_assert_leq(couple.b.exchange.tagged.unexpected(), 4u);
  std::vector<unsigned char> received(1000);
  for (unsigned i = 0; i < 30; ++i) {
    cr_assert_eq(couple.b.receive(received.data(), 1000), 0);
    cr_assert_eq(await(couple.b, couple.a).completion.length, 1000u);
    cr_assert(received == bytes);
  }
}

Test(arrival, announcements_that_make_no_sense_are_malformed) {
  Couple couple;
  const auto verdict = [&](const IncomingMessage& message) {
    return on_announce(couple.b.exchange, couple.at_b(), message);
  };
  char bytes[64];
  RemoteSegment list[8];
  for (RemoteSegment& segment : list) segment = {reinterpret_cast<std::uintptr_t>(bytes), 8};
  const auto listed = [&](std::uint32_t count, std::uint64_t length, std::uint32_t size) {
    return verdict(forged(Operation::kTaggedAnnounce, announcement(count, length, bytes), kInArea, size, list));
  };
  cr_assert_eq(verdict(forged(Operation::kTaggedAnnounce, announcement(1, (1ull << 47) + 1, bytes))),
               Verdict::kMalformed);
  cr_assert_eq(verdict(forged(Operation::kTaggedAnnounce, announcement(0, 64, bytes))), Verdict::kMalformed);
  cr_assert_eq(verdict(forged(Operation::kTaggedAnnounce, announcement(2, 64, bytes))), Verdict::kMalformed);
  cr_assert_eq(listed(9, 72, 9 * 16), Verdict::kMalformed);
  cr_assert_eq(listed(0, 0, 0), Verdict::kMalformed);
  cr_assert_eq(listed(8, 65, 8 * 16), Verdict::kMalformed, "lengths that do not add up");
  cr_assert_eq(listed(8, 64, 7 * 16), Verdict::kMalformed, "less than the list");
  list[0].length = 0ull - 48;
  cr_assert_eq(listed(8, 8, 8 * 16), Verdict::kMalformed, "lengths that add up by overflow");
  cr_assert_eq(couple.b.exchange.tagged.unexpected(), 0u);
  cr_assert_eq(verdict(forged(Operation::kTaggedAnnounce, announcement(1, 64, bytes))), Verdict::kTaken);
  cr_assert_eq(couple.b.exchange.tagged.unexpected(), 1u);
}

Test(arrival, messages_around_the_limits_of_the_usual_way) {
  Couple couple;
  const std::vector<unsigned char> out = bytes_of(80);
  unsigned char in[80];
  for (const std::size_t room : {0, 1, 8, 40, 63, 64, 65, 80}) {
    for (const std::size_t length : {0, 1, 8, 9, 40, 41, 64, 65, 66, 80}) {
      cr_assert_eq(couple.b.receive(in, room), 0);
      cr_assert_eq(couple.a.send(couple.to_b, out.data(), length), 0);
      const auto end = await(couple.b);
      const std::size_t received = std::min(room, length);
      cr_assert_eq(end.error, length > room ? kTruncated : 0, "%zu bytes into %zu", length, room);
      cr_assert_eq(end.completion.length, received);
      cr_assert_eq(std::memcmp(in, out.data(), received), 0);
    }
  }
}

Test(arrival, an_answer_can_only_be_wanted_for_a_message_with_a_name) {
  Couple couple;
  const auto message = forged(Operation::kEager, AreaBody{}, kWantFinish, 4, "abc");
  cr_assert_eq(on_eager(couple.b.exchange, couple.at_b(), message), Verdict::kMalformed);
}

Test(arrival, a_cancelled_receive_says_so_and_takes_nothing) {
  Couple couple;
  char first = 0, second = 0;
  cr_assert_eq(couple.b.receive(&first, 1), 0);
  cr_assert_eq(couple.b.receive(&second, 1), 0);
  cr_assert_eq(cancel_receive(couple.b.exchange, &first), 0);
  cr_assert_eq(cancel_receive(couple.b.exchange, &first), -ENOENT);
  const Event event = await(couple.b);
  cr_assert_eq(event.error, ECANCELED);
  cr_assert_eq(event.completion.context, &first);
  cr_assert_eq(couple.a.send(couple.to_b, "x", 1), 0);
  cr_assert_eq(await(couple.b).completion.context, &second);
}
