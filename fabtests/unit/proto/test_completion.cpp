// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "node.h"
#include "proto/completion.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

struct Reporting {
  Reporting() {
    node.exchange.send_counter = &sent;
    node.exchange.receive_counter = &received;
    receive.context = &context;
    receive.flags = kWantCompletion;
    receive.tagged = true;
    receive.segments[0] = {buffer, sizeof buffer};
    envelope.peer = &node.peer("other");
    envelope.tag = 9;
    envelope.length = 100;
  }
  WorkRequest work(std::uint32_t flags) {
    const iovec segment{&context, 1};
    return node.request(WorkType::kTaggedSend, flags, &segment, 1, 3, 9, 0);
  }
  Event event() {
    Event found;
    cr_assert(node.next(&found));
    return found;
  }
  bool silent() {
    Event found;
    return !node.next(&found);
  }

  Place place;
  Node node{place.device, "a"};
  Counter sent, received;
  ReceiveRequest receive;
  Envelope envelope;
  char context = 0, buffer[100];
};

}  // namespace

Test(completion, a_send_is_counted_and_reported_if_wanted) {
  Reporting reporting;
  complete_send(reporting.node.exchange, reporting.work(0));
  cr_assert(reporting.silent());
  cr_assert_eq(reporting.sent.value(), 1u);
  complete_send(reporting.node.exchange, reporting.work(kWantCompletion));
  const Event event = reporting.event();
  cr_assert_eq(event.completion.flags, kCompletionSend | kCompletionTagged);
  cr_assert_eq(event.completion.context, &reporting.context);
  cr_assert_eq(reporting.sent.value(), 2u);
}

Test(completion, errors_are_always_reported) {
  Reporting reporting;
  fail_send(reporting.node.exchange, reporting.work(0), EIO);
  cr_assert_eq(reporting.event().error, EIO);
  cr_assert_eq(reporting.sent.errors(), 1u);
  reporting.receive.flags = 0;
  fail_receive(reporting.node.exchange, reporting.receive, ECANCELED);
  cr_assert_eq(reporting.event().error, ECANCELED);
  cr_assert_eq(reporting.received.errors(), 1u);
  cr_assert_eq(reporting.sent.value() + reporting.received.value(), 0u);
}

Test(completion, a_receive_says_what_came_and_from_whom) {
  Reporting reporting;
  reporting.envelope.flags = kHasRemoteData;
  reporting.envelope.data = 77;
  complete_receive(reporting.node.exchange, reporting.receive, reporting.envelope, {0, 100, 0, true});
  Event event = reporting.event();
  cr_assert_eq(event.completion.flags, kCompletionReceive | kCompletionTagged | kCompletionRemoteData);
  cr_assert_eq(event.completion.length, 100u);
  cr_assert_eq(event.completion.data, 77u);
  cr_assert_eq(event.completion.source, kAnyAddress);
  const std::uint64_t address = reporting.node.insert("other");
  reporting.receive.tagged = false;
  complete_receive(reporting.node.exchange, reporting.receive, reporting.envelope, {0, 100, 0, true});
  event = reporting.event();
  cr_assert_eq(event.completion.source, address);
  cr_assert_eq(event.completion.flags, kCompletionReceive | kCompletionMessage | kCompletionRemoteData);
  cr_assert_eq(reporting.received.value(), 2u);
}

// An identifier may be anything, that of an unknown peer, too: the peer is known all the same.
Test(completion, a_user_identifier_stands_for_the_other_side) {
  EndpointSettings settings = quick();
  settings.report_unknown_source = true;
  Couple couple(settings);
  for (const std::uint64_t id : {std::uint64_t{77}, kAnyAddress}) {
    cr_assert_eq(couple.b.addresses.set_user_id(couple.to_a, id), 0);
    couple.b.exchange.peers.catch_up();
    char in = 0;
    cr_assert_eq(couple.b.receive(&in, 1), 0);
    cr_assert_eq(couple.a.send(couple.to_b, "x", 1, 0, 0), 0);
    Event event = await(couple.b, couple.a);
    cr_assert(event.error == 0 && event.completion.source == id);
    const iovec segment{&in, 1};
    fail_send(couple.b.exchange, couple.b.request(WorkType::kTaggedSend, 0, &segment, 1, couple.to_a, 0, 0), EIO);
    event = await(couple.b);
    cr_assert(event.error == EIO && event.completion.source == id);
  }
}

Test(completion, a_truncated_receive_says_what_is_missing) {
  Reporting reporting;
  complete_receive(reporting.node.exchange, reporting.receive, reporting.envelope, {0, 30, kTruncated, true});
  const Event event = reporting.event();
  cr_assert_eq(event.error, kTruncated);
  cr_assert_eq(event.completion.length, 30u);
  cr_assert_eq(event.overflow_length, 70u);
  cr_assert_eq(reporting.received.errors(), 1u);
}

Test(completion, a_multi_receive_says_where_and_whether_it_was_the_last) {
  Reporting reporting;
  reporting.receive.flags |= kMultiReceive;
  complete_receive(reporting.node.exchange, reporting.receive, reporting.envelope, {10, 20, 0, false});
  Event event = reporting.event();
  cr_assert_eq(event.completion.buffer, reporting.buffer + 10);
  cr_assert_eq(event.completion.flags & kCompletionMultiReceive, 0u);
  complete_receive(reporting.node.exchange, reporting.receive, reporting.envelope, {30, 20, 0, true});
  event = reporting.event();
  cr_assert_neq(event.completion.flags & kCompletionMultiReceive, 0u);
}

// fi_msg(3): whatever was asked of other completions.
Test(completion, that_a_multi_receive_buffer_is_free_is_always_told) {
  Reporting reporting;
  reporting.receive.flags = kMultiReceive;
  complete_receive(reporting.node.exchange, reporting.receive, reporting.envelope, {10, 20, 0, false});
  cr_assert(reporting.silent());
  complete_receive(reporting.node.exchange, reporting.receive, reporting.envelope, {30, 20, 0, true});
  cr_assert_neq(reporting.event().completion.flags & kCompletionMultiReceive, 0u);
}

Test(completion, an_unknown_source_is_told_by_name_where_wanted) {
  EndpointSettings settings = quick();
  settings.report_unknown_source = true;
  Couple couple(settings);
  Node stranger(couple.place.device, "stranger");
  char in = 0;
  cr_assert_eq(couple.b.receive(&in, 1), 0);
  cr_assert_eq(stranger.send(stranger.insert("b"), "x", 1, 0, 0), 0);
  const Event event = await(couple.b, stranger);
  cr_assert_eq(event.error, EADDRNOTAVAIL);
  cr_assert(event.source_name == named("stranger"));
  cr_assert_eq(in, 'x');
}

Test(completion, without_queues_and_counters_nothing_happens) {
  Reporting reporting;
  Exchange& exchange = reporting.node.exchange;
  exchange.send_queue = exchange.receive_queue = nullptr;
  exchange.send_counter = exchange.receive_counter = nullptr;
  complete_send(exchange, reporting.work(kWantCompletion));
  fail_send(exchange, reporting.work(0), EIO);
  complete_receive(exchange, reporting.receive, reporting.envelope, {0, 100, 0, true});
  fail_receive(exchange, reporting.receive, EIO);
  cr_assert(reporting.silent());
}
