// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "distant_pair.h"
#include "proto/share_assist.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

struct Target : Couple {
  explicit Target(std::size_t entries = 4096) : Couple(without_direct_copy(), entries) {
    b.expose(region, 1, memory, sizeof memory);
  }
  ~Target() { b.memory.remove(&region); }

  // As a hostile `a` would say it to `b`.
  Verdict write(const RemoteWriteBody& body, std::uint32_t length, std::uint64_t key = 1,
                std::uint8_t flags = kInArea) {
    IncomingMessage message = forged(Operation::kRemoteWrite, body, flags, length, payload);
    message.tag = key;
    return on_remote_write(b.exchange, at_b(), message);
  }
  Verdict read(const RemoteReadBody& body, std::uint64_t key = 1) {
    IncomingMessage message = forged(Operation::kRemoteRead, body);
    message.tag = key;
    return on_remote_read(b.exchange, at_b(), message);
  }
  Verdict notice(const RemoteNoticeBody& body, std::uint8_t flags = 0) {
    IncomingMessage message = forged(Operation::kRemoteNotice, body, flags);
    message.tag = 1;
    return on_remote_notice(b.exchange, at_b(), message);
  }
  // The status in the answer that `a` would get; 1: none.
  int answer() {
    const IncomingMessage* message = at_a().channel->peek();
    if (message == nullptr) return 1;
    cr_assert_eq(message->operation, Operation::kRemoteFinish);
    const auto status = static_cast<int>(message->body_as<RemoteFinishBody>().status);
    at_a().channel->consume();
    return status;
  }

  unsigned char memory[100] = {}, payload[200] = {1, 2, 3};
  MemoryRegion region;
};

}  // namespace

Test(rma_target, what_a_hostile_peer_may_not_is_refused_again) {
  Target target;
  cr_assert_eq(target.write({0, 1, 9, 0, 100}, 101), Verdict::kTaken);
  cr_assert_eq(target.answer(), -ERANGE);
  cr_assert_eq(target.write({0, 1, 9, ~0ull, 10}, 10), Verdict::kTaken);
  cr_assert_eq(target.answer(), -ERANGE);
  cr_assert_eq(target.write({0, 1, 9, 0, 10}, 10, 2), Verdict::kTaken);
  cr_assert_eq(target.answer(), -EKEYREJECTED);
  cr_assert_eq(target.read({9, 50, 51, 0, 1, 0}), Verdict::kTaken);
  cr_assert_eq(target.answer(), -ERANGE);
  cr_assert_eq(target.read({9, 0, ~0ull, 0, 1, 0}), Verdict::kTaken);
  cr_assert_eq(target.answer(), -ERANGE);
  cr_assert_eq(target.memory[0], 0);
  cr_assert_eq(target.at_b().state, PeerState::kConnected);
}

Test(rma_target, the_parts_after_a_wrong_one_are_not_written) {
  Target target;
  cr_assert_eq(target.write({0, 0, 0, 95, 30}, 10), Verdict::kTaken);
  cr_assert_eq(target.write({0, 0, 0, 0, 30}, 10), Verdict::kTaken);
  cr_assert_eq(target.answer(), 1);
  cr_assert_eq(target.write({0, 1, 9, 10, 30}, 10), Verdict::kTaken);
  cr_assert_eq(target.answer(), -ERANGE);
  cr_assert_eq(target.memory[0] + target.memory[10], 0);
  cr_assert_eq(target.write({0, 1, 9, 0, 10}, 10), Verdict::kTaken, "the next operation is another one");
  cr_assert_eq(target.answer(), 0);
  cr_assert_eq(target.memory[1], 2);
}

Test(rma_target, malformed) {
  Target target;
  cr_assert_eq(target.write({0, 1, 9, 0, 10}, 10, 1, 0), Verdict::kMalformed);
  cr_assert_eq(target.notice({10, 0, 0, 1}), Verdict::kMalformed);
  cr_assert_eq(target.notice({10, 0, 3, 1}), Verdict::kMalformed);
}

// Both ends would write to one line.
Test(rma_target, nothing_of_a_distant_peer_may_be_withdrawn_or_shared) {
  DistantPair pair;
  const RemoteWriteBody write{0, 1, 9, 0, 8};
  const IncomingMessage withdrawable =
      forged(Operation::kRemoteWrite, write, kInArea | kWithdrawable, sizeof write, &write);
  cr_assert_eq(on_remote_write(pair.b.exchange, pair.at_b(), withdrawable), Verdict::kMalformed);
  const RemoteReadBody read{9, 0, 8, 0, 1, 0};
  cr_assert_eq(on_remote_read(pair.b.exchange, pair.at_b(), forged(Operation::kRemoteRead, read, kWithdrawable)),
               Verdict::kMalformed);
  IncomingMessage share = forged(Operation::kRemoteShare, RemoteShareBody{0, 1 << 20, 0, 4096, kRemoteRead});
  share.data = 1;
  cr_assert_eq(on_remote_share(pair.b.exchange, pair.at_b(), share), Verdict::kMalformed);
}

Test(rma_target, data_waits_for_room_in_the_queue) {
  Target target(2);
  for (int i = 0; i < 2; ++i) cr_assert_eq(target.notice({10, 0, kRemoteWrite, 1}, kHasRemoteData), Verdict::kTaken);
  cr_assert_eq(target.notice({10, 0, kRemoteWrite, 1}, kHasRemoteData), Verdict::kNotNow);
  cr_assert_eq(target.write({0, 1, 9, 0, 10}, 10, 1, kInArea | kHasRemoteData), Verdict::kNotNow);
  cr_assert_eq(target.memory[1], 0);
  cr_assert_eq(target.notice({10, 0, kRemoteWrite, 1}), Verdict::kTaken);
  await(target.b);
  cr_assert_eq(target.write({0, 1, 9, 0, 10}, 10, 1, kInArea | kHasRemoteData), Verdict::kTaken);
}

Test(rma_target, a_region_that_is_closed_amid_a_read) {
  Couple couple(without_direct_copy());
  std::vector<unsigned char> memory = bytes_of(100'000), got(100'000);
  MemoryRegion region;
  couple.b.expose(region, 1, memory.data(), memory.size());
  cr_assert_eq(couple.a.access(WorkType::kRead, couple.to_b, {0, got.size(), 1}, got.data()), 0);
  couple.b.progress();
  cr_assert_eq(couple.at_b().served_reads, 1u);
  couple.b.memory.remove(&region);
  cr_assert_eq(await(couple.a, couple.b).error, EKEYREJECTED);
  couple.a.passes(10);
  couple.b.passes(10);
  cr_assert_eq(couple.at_a().state, PeerState::kConnected, "parts that come too late are no offence");
  cr_assert_eq(couple.b.exchange.served.in_use(), 0u);
}

Test(rma_target, reads_of_one_who_died_are_forgotten) {
  Couple couple(without_direct_copy());
  std::vector<unsigned char> memory(100'000), got(100'000);
  MemoryRegion region;
  couple.b.expose(region, 1, memory.data(), memory.size());
  for (int i = 0; i < 3; ++i)
    cr_assert_eq(couple.a.access(WorkType::kRead, couple.to_b, {0, got.size(), 1}, got.data()), 0);
  couple.b.progress();
  cr_assert_eq(couple.at_b().served_reads, 3u);
  couple.a.crash();
  cr_assert(until([&] { return couple.b.exchange.served.in_use() == 0; }, couple.b));
  couple.b.memory.remove(&region);
}

// Its loss would wait for room that nobody makes.
Test(rma_target, a_read_of_one_who_has_left_is_dropped_however_many_are_served) {
  Target target;
  target.at_b().served_reads = ~0u;
  cr_assert_eq(target.read({9, 0, 8, 0, 1, 0}), Verdict::kNotNow);
  target.at_b().state = PeerState::kLeaving;
  cr_assert_eq(target.read({9, 0, 8, 0, 1, 0}), Verdict::kTaken);
  cr_assert_eq(target.b.exchange.served.in_use(), 0u);
  target.at_b().served_reads = 0;
  target.at_b().state = PeerState::kConnected;
}
