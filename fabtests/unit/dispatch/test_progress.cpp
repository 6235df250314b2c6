// SPDX-License-Identifier: BSD-2-Clause
// What a pass says of itself: after many in which nothing came in, the processor is offered to others
// (dispatch/progress_group.h).
#include "../proto/node.h"
#include "dispatch/progress.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr std::size_t kLong = 1'000'003;

// A long message was announced to b and met its receive.
struct UnderWay : Couple {
  explicit UnderWay(const EndpointSettings& settings) : Couple(settings), sent(bytes_of(kLong)), received(kLong) {
    cr_assert_eq(b.receive(received.data(), received.size()), 0);
    cr_assert_eq(a.send(to_b, sent.data(), sent.size()), 0);
    cr_assert(until([&] { return !b.exchange.incoming.empty(); }, b));
  }

  std::vector<unsigned char> sent, received;
};

}  // namespace

Test(progress, a_message_came_in) {
  Couple couple;
  couple.b.passes(10);
  cr_assert_not(progress(couple.b.exchange));
  cr_assert_eq(couple.a.send(couple.to_b, "x", 1), 0);
  cr_assert(progress(couple.b.exchange));
  cr_assert_not(progress(couple.b.exchange));
}

Test(progress, a_transfer_that_waits_for_its_sender_is_nothing_that_came_in) {
  UnderWay pair(without_direct_copy());
  for (unsigned pass = 0; pass < 1000; ++pass) cr_assert_not(progress(pair.b.exchange), "pass %u", pass);
  pair.a.progress();
  cr_assert(progress(pair.b.exchange), "a part of it is there");
  while (progress(pair.b.exchange)) continue;
  cr_assert_not(pair.b.exchange.incoming.empty(), "the sender waits for room, and we for the sender");
  cr_assert_eq(await(pair.b, pair.a).completion.length, kLong);
}

Test(progress, what_we_read_from_a_silent_sender_came_in) {
  UnderWay pair(quick());
  const IncomingTransfer& transfer = *pair.b.exchange.incoming.front();
  while (!progress(pair.b.exchange)) cr_assert_eq(transfer.back, kLong);
  cr_assert_lt(transfer.back, kLong);
  cr_assert(progress(pair.b.exchange), "the next part of it");
  cr_assert_eq(await(pair.b, pair.a).completion.length, kLong);
}

Test(progress, a_piece_of_what_both_copy_came_in) {
  UnderWay pair(quick());
  prefer(pair.at_b(), true, kLong);
  cr_assert_eq(await(pair.b, pair.a).completion.length, kLong);
  cr_assert_eq(await(pair.a, pair.b).error, 0);
  cr_assert_eq(pair.b.receive(pair.received.data(), kLong), 0);
  cr_assert_eq(pair.a.send(pair.to_b, pair.sent.data(), kLong), 0);
  cr_assert(until([&] { return !pair.b.exchange.incoming.empty(); }, pair.b));
  cr_assert_eq(pair.b.exchange.incoming.front()->way, TransferWay::kShared);
  cr_assert(progress(pair.b.exchange));
  cr_assert_eq(await(pair.b, pair.a).completion.length, kLong);
}
