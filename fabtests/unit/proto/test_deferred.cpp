// SPDX-License-Identifier: BSD-2-Clause
#include "core/deferred_completion.h"
#include "node.h"
#include "proto/completion.h"
#include "proto/deferred.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

struct Noted final : DeferredCompletion {
  void ended(bool success) noexcept override { (success ? successes : failures) += 1; }
  int successes = 0, failures = 0;
};

}  // namespace

Test(deferred, neither_counters_nor_the_queue_hear_of_a_send) {
  Couple couple;
  Counter sends, receives;
  couple.a.exchange.send_counter = &sends;
  couple.b.exchange.receive_counter = &receives;
  Noted sent, received;
  char in = 0;
  const iovec out_segment{const_cast<char*>("x"), 1}, in_segment{&in, 1};
  WorkRequest receive = couple.b.request(WorkType::kTaggedReceive, kDeferred, &in_segment, 1, kAnyAddress, 0, 0);
  receive.context = &received;
  cr_assert_eq(post_receive(couple.b.exchange, receive), 0);
  WorkRequest send = couple.a.request(WorkType::kTaggedSend, kDeferred, &out_segment, 1, couple.to_b, 0, 0);
  send.context = &sent;
  cr_assert_eq(start_send(couple.a.exchange, couple.at_a(), send, nullptr), 0);
  cr_assert(until([&] { return received.successes == 1; }, couple.a, couple.b));
  cr_assert_eq(sent.successes, 1);
  cr_assert_eq(in, 'x');
  Event event;
  cr_assert_not(couple.a.next(&event) || couple.b.next(&event));
  cr_assert_eq(sends.value() + receives.value(), 0u);
  cr_assert_eq(couple.a.exchange.send_counter, &sends, "it is back");
}

Test(deferred, an_entry_that_was_asked_for_has_the_applications_context) {
  Couple couple;
  Noted sent;
  int mark = 0;
  sent.context = &mark;
  const iovec segment{const_cast<char*>("x"), 1};
  WorkRequest send =
      couple.a.request(WorkType::kTaggedSend, kDeferred | kWantCompletion, &segment, 1, couple.to_b, 0, 0);
  send.context = &sent;
  cr_assert_eq(start_send(couple.a.exchange, couple.at_a(), send, nullptr), 0);
  Event event;
  cr_assert(couple.a.next(&event));
  cr_assert_eq(event.completion.context, static_cast<void*>(&mark));
}

Test(deferred, errors_are_told_to_both) {
  Couple couple;
  Counter sends, receives;
  couple.a.exchange.send_counter = &sends;
  couple.a.exchange.receive_counter = &receives;
  Noted sent, received;
  int marks[2];
  sent.context = &marks[0];
  received.context = &marks[1];
  WorkRequest work = couple.a.request(WorkType::kTaggedSend, kDeferred, nullptr, 0, couple.to_b, 0, 0);
  work.context = &sent;
  fail_send(couple.a.exchange, work, EIO);
  ReceiveRequest receive{};
  receive.flags = kDeferred;
  receive.context = &received;
  fail_receive(couple.a.exchange, receive, EIO);
  for (int& mark : marks) {
    Event event;
    cr_assert(couple.a.next(&event));
    cr_assert_eq(event.error, EIO);
    cr_assert_eq(event.completion.context, static_cast<void*>(&mark));
  }
  cr_assert_eq(sent.failures, 1);
  cr_assert_eq(received.failures, 1);
  cr_assert_eq(sends.errors() + receives.errors(), 0u);
}
