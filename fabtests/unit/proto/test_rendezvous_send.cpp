// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "node.h"
#include "proto/rendezvous.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr std::size_t kLong = 100'003;

// a announced a message; b does nothing of its own.
struct Sender : Couple {
  explicit Sender(std::size_t length = kLong, std::uint32_t flags = kWantCompletion) : sent(bytes_of(length)) {
    cr_assert_eq(a.send(to_b, sent.data(), length, 0, flags), 0);
    a.exchange.sends.for_each([&](SendRequest* found) { request = found; });
    cr_assert_not_null(request);
    name = a.exchange.sends.id(request);
  }
  Verdict clear_to_send(std::uint64_t transfer, std::uint64_t length, std::uint64_t of) {
    return on_clear_to_send(a.exchange, at_a(),
                            forged(Operation::kClearToSend, ClearToSendBody{of, transfer, length, 0, 0}));
  }
  Verdict finish(std::uint64_t of, std::int64_t status) {
    return on_finish(a.exchange, at_a(), forged(Operation::kFinish, FinishBody{of, status}));
  }
  // Chunk bytes that come to b, which throws them away.
  std::uint64_t streamed() {
    std::uint64_t bytes = 0;
    for (bool more = true; more;) {
      a.progress();
      more = false;
      while (const IncomingMessage* message = at_b().channel->peek()) {
        more = true;
        if (message->operation == Operation::kChunk) bytes += message->length;
        at_b().channel->consume();
      }
    }
    return bytes;
  }

  std::vector<unsigned char> sent;
  SendRequest* request = nullptr;
  std::uint64_t name = 0;
};

}  // namespace

Test(rendezvous_send, sends_what_is_asked_for) {
  Sender sender;
  cr_assert_eq(sender.clear_to_send(7, 5000, sender.name), Verdict::kTaken);
  cr_assert_eq(sender.streamed(), 5000u);
  cr_assert(sender.a.exchange.streaming.empty());
}

Test(rendezvous_send, stops_where_the_receiver_has_been) {
  Sender sender;
  cr_assert_eq(sender.clear_to_send(7, kLong, sender.name), Verdict::kTaken);
  sender.at_b().channel->set_pulled(pulled_word(7, 4000));
  const std::uint64_t bytes = sender.streamed();
  cr_assert_eq(bytes, 4000u);
}

Test(rendezvous_send, takes_no_notice_of_words_about_other_transfers) {
  Sender sender;
  cr_assert_eq(sender.clear_to_send(7, kLong, sender.name), Verdict::kTaken);
  sender.at_b().channel->set_pulled(pulled_word(8, 0));
  cr_assert_eq(sender.streamed(), kLong);
}

Test(rendezvous_send, a_position_past_the_end_is_the_end) {
  Sender sender;
  cr_assert_eq(sender.clear_to_send(7, kLong, sender.name), Verdict::kTaken);
  sender.at_b().channel->set_pulled(pulled_word(7, (1ull << 48) - 1));
  cr_assert_eq(sender.streamed(), kLong);
}

// What comes first ends first, and its receiver can tell what it took.
Test(rendezvous_send, one_after_the_other) {
  Sender sender;
  cr_assert_eq(sender.a.send(sender.to_b, sender.sent.data(), kLong), 0);
  std::vector<SendRequest*> requests;
  sender.a.exchange.sends.for_each([&](SendRequest* found) { requests.push_back(found); });
  for (unsigned i = 0; i < 2; ++i)
    cr_assert_eq(sender.clear_to_send(7 + i, kLong, sender.a.exchange.sends.id(requests[i])), Verdict::kTaken);
  sender.a.progress();
  while (const IncomingMessage* message = sender.at_b().channel->peek()) {
    cr_assert(message->operation != Operation::kChunk || message->body_as<ChunkBody>().transfer == 7);
    sender.at_b().channel->consume();
  }
  cr_assert_eq(requests[1]->position, 0u);
  cr_assert_gt(sender.streamed(), kLong);
}

// The digest of this name is zero, as `pulled` is before anybody has written to it.
Test(rendezvous_send, an_unwritten_pulled_says_nothing) {
  Sender sender;
  cr_assert_eq(sender.clear_to_send(0x8000, kLong, sender.name), Verdict::kTaken);
  cr_assert_eq(sender.streamed(), kLong);
}

Test(rendezvous_send, asking_again_begins_again) {
  Sender sender;
  cr_assert_eq(sender.clear_to_send(7, 5000, sender.name), Verdict::kTaken);
  cr_assert_eq(sender.clear_to_send(9, 6000, sender.name), Verdict::kTaken);
  cr_assert_eq(sender.a.exchange.streaming.size(), 1u);
  cr_assert_eq(sender.streamed(), 6000u);
}

Test(rendezvous_send, only_announced_messages_of_that_peer_are_given_away) {
  Sender sender;
  cr_assert_eq(sender.clear_to_send(7, kLong + 1, sender.name), Verdict::kMalformed);
  cr_assert_eq(sender.clear_to_send(7, 1, sender.name + 1), Verdict::kMalformed);
  cr_assert_eq(sender.clear_to_send(7, 1, sender.name ^ 2ull << 32), Verdict::kMalformed);
  cr_assert_eq(on_clear_to_send(sender.a.exchange, sender.a.peer("stranger"),
                                forged(Operation::kClearToSend, ClearToSendBody{sender.name, 7, 1, 0, 0})),
               Verdict::kMalformed);
  cr_assert(sender.a.exchange.streaming.empty());
}

// Its bytes have gone with it, and an injected one's buffer is the application's again.
Test(rendezvous_send, an_eager_message_is_not_given_away_again) {
  Sender sender(100, kWantCompletion | kDeliveryComplete | kInject);
  cr_assert_eq(sender.clear_to_send(7, 100, sender.name), Verdict::kMalformed);
  cr_assert(sender.a.exchange.streaming.empty());
  cr_assert_eq(sender.finish(sender.name, 0), Verdict::kTaken);
}

// Unlike one that was announced although it would have fitted.
Test(rendezvous_send, a_short_one_that_was_announced_is_sent) {
  Sender sender(100, kWantCompletion | kDeliveryComplete);
  sender.request->state = SendState::kAnnounced;
  cr_assert_eq(sender.clear_to_send(7, 100, sender.name), Verdict::kTaken);
  cr_assert_eq(sender.streamed(), 100u);
}

Test(rendezvous_send, a_finish_completes_or_fails_the_send) {
  for (const auto& [status, error] : {std::pair<std::int64_t, int>{0, 0},
                                      {-ENOMEM, ENOMEM},
                                      {-4095, 4095},
                                      {-4096, EPROTO},
                                      {5, EPROTO},
                                      {INT64_MIN, EPROTO}}) {
    Sender sender;
    cr_assert_eq(sender.finish(sender.name, status), Verdict::kTaken);
    Event event;
    cr_assert(sender.a.next(&event));
    cr_assert_eq(event.error, error);
    cr_assert_eq(sender.finish(sender.name, status), Verdict::kMalformed, "it ends once");
    cr_assert_eq(sender.a.exchange.sends.in_use(), 0u);
  }
}

Test(rendezvous_send, a_finish_stops_the_stream) {
  Sender sender;
  cr_assert_eq(sender.clear_to_send(7, kLong, sender.name), Verdict::kTaken);
  sender.a.progress();
  cr_assert_eq(sender.finish(sender.name, 0), Verdict::kTaken);
  cr_assert(sender.a.exchange.streaming.empty());
  cr_assert_lt(sender.streamed(), kLong);
}

Test(rendezvous_send, a_message_that_never_left_cannot_be_finished) {
  Sender sender;
  char byte = 0;
  const iovec segment{&byte, 1};
  const WorkRequest work = sender.a.request(WorkType::kTaggedSend, 0, &segment, 1, sender.to_b, 0, 0);
  SendRequest* waiting = keep_send(sender.a.exchange, sender.at_a(), work);
  cr_assert_eq(sender.finish(sender.a.exchange.sends.id(waiting), 0), Verdict::kMalformed);
  sender.a.exchange.sends.release(waiting);
}
