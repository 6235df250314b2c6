// SPDX-License-Identifier: BSD-2-Clause
// Both sides stepped by hand: the initiator (a) copies from the back, the target (b) from the front.
#include <criterion/criterion.h>

#include "dispatch/sleeping.h"
#include "exposed_pair.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr std::size_t kPiece = 256u << 10;  // of a megabyte

struct SharedPair : ExposedPair {
  using ExposedPair::ExposedPair;

  void start(WorkType type = WorkType::kWrite) {
    cr_assert_eq(type == WorkType::kWrite ? write(bytes) : read(bytes), 0);
    cr_assert(at_a().offered.active);
  }
  unsigned copied() {
    unsigned pieces = 0;
    for (std::size_t at = 0; at < kExposed; at += kPiece) pieces += memory[at] != '.' ? 1 : 0;
    return pieces;
  }
  SharedWord& word() { return head(b, at_b()).progress.share; }
  SharedWord& report() { return head(a, at_a()).progress.report; }
  void finish(int error = 0) {
    cr_assert(until([&] { return outstanding() == 0; }, a, b));
    cr_assert_eq(completed(error), 1u);
    cr_assert_not(at_a().offered.active);
    cr_assert_eq(a.exchange.offered, 0u);
  }

  std::vector<unsigned char> bytes = bytes_of(kExposed);
};

}  // namespace

Test(rma_share, both_copy) {
  SharedPair pair;
  pair.bytes[0] = pair.bytes[kPiece] = pair.bytes[kExposed - kPiece] = 'x';
  pair.start();
  pair.b.progress();
  cr_assert_eq(pair.memory[0], 'x', "the target begins at the front");
  cr_assert_eq(pair.copied(), 1u);
  pair.a.progress();
  cr_assert_eq(pair.memory[kExposed - kPiece], 'x', "the initiator at the back");
  cr_assert_eq(pair.copied(), 2u);
  cr_assert_eq(pair.completed(), 0u);
  pair.finish();
  cr_assert(pair.holds(pair.bytes));
  cr_assert(pair.b.exchange.assisted.empty());
}

Test(rma_share, reads_likewise) {
  SharedPair pair;
  fill(pair.memory, 7);
  pair.start(WorkType::kRead);
  pair.finish();
  cr_assert(pair.bytes == pair.memory);
}

Test(rma_share, an_absent_target_is_not_needed) {
  SharedPair pair;
  pair.start();
  pair.a.passes(8);
  cr_assert(pair.holds(pair.bytes));
  cr_assert_eq(pair.completed(), 1u);
  auto small = bytes_of(kExposed, 9);
  cr_assert_eq(pair.write(small), 0);
  cr_assert(pair.holds(small), "it is not asked again before it has come to the first offer");
  cr_assert_eq(pair.completed(), 1u);
  pair.b.passes(3);
  cr_assert(pair.holds(small), "of which nothing is left");
  cr_assert(pair.b.exchange.assisted.empty());
  pair.start();
  pair.finish();
}

Test(rma_share, a_target_at_a_piece_is_waited_for) {
  SharedPair pair;
  pair.start();
  cr_assert(pair.at_b().channel->incoming_share().claim(1, 0));
  pair.a.passes(1000);
  cr_assert_eq(pair.completed(), 0u);
  cr_assert_eq(pair.copied(), 3u);
  pair.at_b().channel->incoming_share().report(1, 0);  // it has failed
  pair.a.progress();
  cr_assert_eq(pair.completed(), 1u);
  cr_assert(pair.holds(pair.bytes), "what it took and left is the initiator's");
}

Test(rma_share, what_comes_behind_waits) {
  SharedPair pair;
  char got = 0;
  cr_assert_eq(pair.b.receive(&got, 1), 0);
  pair.start();
  cr_assert_eq(pair.a.send(pair.to_b, "s", 1), 0);
  auto second = bytes_of(100, 5);
  cr_assert_eq(pair.write(second, 10), 0);
  while (pair.at_a().offered.active) {
    pair.b.progress();
    cr_assert_eq(got, 0);
    pair.a.progress();
  }
  cr_assert(until([&] { return got == 's' && pair.completed() == 0 && pair.outstanding() == 0; }, pair.a, pair.b));
  cr_assert(pair.holds(second, 10));
}

Test(rma_share, a_target_out_of_whose_reach_we_are) {
  SharedPair pair;
  pair.at_b().direct.reset();
  pair.at_b().direct_tried = true;
  pair.start();
  pair.b.progress();
  cr_assert_eq(pair.copied(), 0u);
  pair.finish();
  cr_assert(pair.holds(pair.bytes));
}

Test(rma_share, a_region_that_is_closed_in_between) {
  SharedPair pair;
  pair.start();
  pair.b.progress();
  pair.a.progress();
  pair.b.memory.remove(&pair.region);
  pair.finish(EKEYREJECTED);
  cr_assert_eq(pair.copied(), 2u);
}

Test(rma_share, an_error_waits_for_the_target) {
  SharedPair pair;
  fill(pair.memory, 7);
  pair.start(WorkType::kRead);
  cr_assert(pair.at_b().channel->incoming_share().claim(1, 0));
  pair.b.memory.remove(&pair.region);
  pair.a.passes(100);
  cr_assert_eq(pair.completed(), 0u, "the target may still write into the buffer");
  pair.at_b().channel->incoming_share().report(1, 1);
  pair.a.progress();
  cr_assert_eq(pair.completed(EKEYREJECTED), 1u);
}

Test(rma_share, memory_that_gets_out_of_reach_goes_through_the_fifo) {
  class Refused final : public DirectCopy {
    std::ptrdiff_t read(const iovec*, std::size_t, const iovec*, std::size_t) noexcept override { return -EPERM; }
    std::ptrdiff_t write(const iovec*, std::size_t, const iovec*, std::size_t) noexcept override { return -EPERM; }
  };
  SharedPair pair;
  pair.start();
  pair.b.progress();
  pair.at_a().direct = std::make_unique<Refused>();
  pair.finish();
  cr_assert_null(pair.at_a().direct.get());
  cr_assert(pair.holds(pair.bytes));
}

// Somebody else, a long message's receipt, finds that its process has gone.
Test(rma_share, memory_found_out_of_reach_by_others_goes_through_the_fifo) {
  SharedPair pair;
  pair.start();
  pair.a.progress();
  pair.at_a().direct.reset();
  pair.finish();
  cr_assert(pair.holds(pair.bytes));
}

Test(rma_share, either_end_may_die) {
  {
    SharedPair pair;
    pair.start();
    cr_assert(pair.at_b().channel->incoming_share().claim(1, 0));
    pair.b.crash();
    cr_assert(until([&] { return pair.outstanding() == 0; }, pair.a));
    cr_assert_eq(pair.completed(ECONNRESET), 1u);
    cr_assert_eq(pair.a.exchange.offered, 0u);
  }
  SharedPair pair;
  pair.start();
  pair.b.progress();
  cr_assert_eq(pair.b.exchange.assisted.size(), 1u);
  pair.a.crash();
  cr_assert(until([&] { return pair.at_b().state == PeerState::kIdle; }, pair.b));
  cr_assert(pair.b.exchange.assisted.empty());
}

Test(rma_share, words_that_lie) {
  for (const std::uint64_t word : {std::uint64_t{0}, ~std::uint64_t{0}, ShareWord::pack(1, 9, 8),
                                   ShareWord::pack(1, 0, 7), ShareWord::pack(2, 0, 8)}) {
    SharedPair pair;
    pair.start();
    pair.word() = word;
    cr_assert(until([&] { return pair.outstanding() == 0; }, pair.a));
    cr_assert_eq(pair.completed(EPROTO), 1u);
  }
  SharedPair pair;
  pair.start();
  cr_assert(pair.at_b().channel->incoming_share().claim(1, 0));
  pair.report() = ReportWord::pack(1, 2);
  cr_assert(until([&] { return pair.outstanding() == 0; }, pair.a));
  cr_assert_eq(pair.completed(EPROTO), 1u, "more than it took");
}

Test(rma_share, who_tells_data_does_so_afterwards) {
  SharedPair pair;
  const iovec segment{pair.bytes.data(), pair.bytes.size()};
  const RemoteTarget target{0, kExposed, 1};
  WorkRequest work = pair.a.request(WorkType::kWrite, kWantCompletion | kRemoteData, &segment, 1, pair.to_b, 0, 0);
  work.data = 77;
  cr_assert_eq(begin_remote(pair.a.exchange, pair.at_a(), {work, 1, &target}), 0);
  cr_assert(pair.at_a().offered.active);
  const Event event = await(pair.b, pair.a);
  cr_assert_eq(event.completion.data, 77u);
  cr_assert(pair.holds(pair.bytes));
}

Test(rma_share, nobody_sleeps_meanwhile) {
  SharedPair pair;
  pair.start();
  pair.b.progress();
  TimePoint alarm = TimePoint::max();
  cr_assert_not(fall_asleep(pair.a.exchange, &alarm));
  cr_assert_not(fall_asleep(pair.b.exchange, &alarm));
}
