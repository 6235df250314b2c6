// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <algorithm>

#include "node.h"
#include "proto/loss.h"

using namespace anchor;
using namespace anchor::unit;

Test(outbox, what_waits_for_a_connection_keeps_its_order) {
  Place place;
  Node a(place.device, "a"), b(place.device, "b");
  const std::uint64_t to_b = a.insert("b");
  const auto large = bytes_of(20'000);
  std::vector<unsigned char> numbers = bytes_of(200, 0), in(20'000);
  for (unsigned i = 0; i < 200; ++i) {
    const bool is_large = i % 7 == 0;
    cr_assert_eq(a.send(to_b, is_large ? large.data() : &numbers[i], is_large ? large.size() : 1, i, 0), 0);
  }
  cr_assert_eq(a.peer("b").waiting.size(), 200u);
  for (unsigned i = 0; i < 200; ++i) {
    cr_assert_eq(b.receive(in.data(), in.size(), 0, ~0ull), 0);
    const Event event = await(b, a);
    cr_assert_eq(event.completion.tag, i);
    cr_assert_eq(event.completion.length, i % 7 == 0 ? large.size() : 1);
    if (i % 7 != 0) cr_assert_eq(in[0], numbers[i]);
  }
  cr_assert(until([&] { return a.exchange.sends.in_use() == 0; }, a, b));
}

Test(outbox, what_finds_the_fifo_full_keeps_its_order) {
  Couple couple;
  std::vector<unsigned char> numbers = bytes_of(250, 0);
  for (unsigned i = 0; i < 250; ++i) cr_assert_eq(couple.a.send(couple.to_b, &numbers[i], 1, i, 0), 0);
  cr_assert_not(couple.at_a().waiting.empty());
  for (unsigned i = 0; i < 250; ++i) {
    unsigned char in = 0;
    cr_assert_eq(couple.b.receive(&in, 1, 0, ~0ull), 0);
    cr_assert_eq(await(couple.b, couple.a).completion.tag, i);
    cr_assert_eq(in, numbers[i]);
  }
}

Test(outbox, no_more_than_transmit_size_wait) {
  EndpointSettings settings = quick();
  settings.transmit_size = 5;
  Place place;
  Node a(place.device, "a", settings);
  const std::uint64_t to_b = a.insert("b");
  for (unsigned i = 0; i < 5; ++i) cr_assert_eq(a.send(to_b, "x", 1), 0);
  cr_assert_eq(a.send(to_b, "x", 1), -EAGAIN);
  cr_assert_eq(a.send(to_b, "x", 1, 0, kInject), -EAGAIN);
  cr_assert_eq(a.peer("b").waiting.size(), 5u);
}

Test(outbox, an_injected_message_that_waits_is_copied) {
  Place place;
  Node a(place.device, "a"), b(place.device, "b");
  const std::uint64_t to_b = a.insert("b");
  auto bytes = bytes_of(4096);
  const auto sent = bytes;
  const iovec segments[2] = {{bytes.data(), 100}, {bytes.data() + 100, 3996}};
  cr_assert_eq(a.send(to_b, segments, 2, 0, kInject), 0);
  cr_assert_eq(a.send(to_b, "", 0, 1, kInject), 0);
  std::fill(bytes.begin(), bytes.end(), 0);
  std::vector<unsigned char> received(4096);
  cr_assert_eq(b.receive(received.data(), received.size()), 0);
  cr_assert_eq(await(b, a).completion.length, 4096u);
  cr_assert(received == sent);
  cr_assert_eq(b.receive(nullptr, 0, 1), 0);
  cr_assert_eq(await(b, a).completion.length, 0u);
}

Test(outbox, a_full_fifo_holds_up_nobody_else) {
  Couple couple;
  Node c(couple.place.device, "c");
  const std::uint64_t to_c = couple.a.insert("c");
  for (unsigned i = 0; i < 100; ++i) cr_assert_eq(couple.a.send(couple.to_b, "x", 1, 0, 0), 0);
  char in;
  cr_assert_eq(c.receive(&in, 1), 0);
  cr_assert_eq(couple.a.send(to_c, "y", 1, 0, 0), 0);
  cr_assert_eq(await(c, couple.a).completion.length, 1u);
  cr_assert_not(couple.at_a().waiting.empty());
}

Test(outbox, control_messages_wait_for_room_in_order) {
  Couple couple;
  for (std::uint64_t i = 1; i <= 500; ++i) post_finish(couple.a.exchange, couple.at_a(), i, -static_cast<int>(i));
  cr_assert_not(couple.at_a().control.empty());
  std::uint64_t expected = 1;
  while (expected <= 500) {
    const IncomingMessage* message = couple.at_b().channel->peek();
    if (message == nullptr) {
      couple.a.progress();
      continue;
    }
    cr_assert_eq(message->body_as<FinishBody>().request, expected);
    cr_assert_eq(message->body_as<FinishBody>().status, -static_cast<std::int64_t>(expected));
    couple.at_b().channel->consume();
    ++expected;
  }
  cr_assert(couple.at_a().control.empty());
  cr_assert(couple.a.exchange.backlogged.empty());
}

Test(outbox, who_collects_no_answers_is_read_no_further_than_what_wants_none) {
  Couple couple;
  for (std::size_t i = 0; i < kMaxOwedControl + 100; ++i) post_finish(couple.a.exchange, couple.at_a(), i, 0);
  cr_assert_gt(couple.at_a().control.size(), kMaxOwedControl);
  const auto message = forged(Operation::kEager, AreaBody{}, 0, 0, "");
  cr_assert_eq(on_eager(couple.a.exchange, couple.at_a(), message), Verdict::kNotNow);
  cr_assert_eq(on_announce(couple.a.exchange, couple.at_a(), message), Verdict::kNotNow);
  char byte = 0;
  cr_assert_eq(couple.a.receive(&byte, 1), 0);
  const auto wanted = forged(Operation::kTaggedEager, AreaBody{}, 0, 0, "");
  cr_assert_eq(on_tagged_eager(couple.a.exchange, couple.at_a(), wanted), Verdict::kTaken);
}

Test(outbox, nothing_is_owed_to_one_who_left) {
  Couple couple;
  disconnect(couple.a.exchange, couple.at_a());
  post_finish(couple.a.exchange, couple.at_a(), 1, 0);
  cr_assert(couple.at_a().control.empty());
}
