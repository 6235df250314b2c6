// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <atomic>
#include <thread>
#include <vector>

#include "fifo/share.h"

using namespace anchor;

namespace {

using Claim = InitiatorShare::Claim;

struct Shared {
  Claim claim() { return initiator.claim(&piece); }

  SharedWord word{0}, report{0};
  InitiatorShare initiator{word, report};
  TargetShare target{word, report};
  std::uint32_t piece = ~0u;
};

}  // namespace

Test(share, words) {
  const std::uint64_t word = ShareWord::pack(0x1234, 5, 6);
  cr_assert_eq(word, 0x1234'000005'000006u);
  cr_assert_eq(ShareWord::number(word), 0x1234u);
  cr_assert_eq(ShareWord::front(word), 5u);
  cr_assert_eq(ShareWord::back(word), 6u);
  cr_assert_eq(ReportWord::pack(0x1234, 7), 0x1234'0000'0000'0007u);
}

Test(share, the_two_meet) {
  Shared shared;
  cr_assert(shared.initiator.idle(), "a zeroed block");
  cr_assert_eq(shared.initiator.offer(3), 1u);
  cr_assert_not(shared.initiator.idle());
  cr_assert(shared.target.claim(1, 0));
  cr_assert_eq(shared.claim(), Claim::kTaken);
  cr_assert_eq(shared.piece, 2u);
  cr_assert_eq(shared.target.left(1, 1), 1u);
  cr_assert_eq(shared.initiator.left(), 1u);
  cr_assert(shared.target.claim(1, 1));
  cr_assert_eq(shared.target.left(1, 2), 0u);
  cr_assert_not(shared.target.claim(1, 2));
  cr_assert_eq(shared.claim(), Claim::kNoneLeft);
  cr_assert_eq(shared.initiator.taken(), 2u);
  std::uint64_t copied;
  cr_assert_not(shared.initiator.reported(&copied));
  shared.target.report(1, 2);
  cr_assert(shared.initiator.reported(&copied));
  cr_assert_eq(copied, 2u);
  cr_assert(shared.initiator.idle());
}

Test(share, an_absent_target_finds_nothing) {
  Shared shared;
  shared.initiator.offer(2);
  cr_assert_eq(shared.claim(), Claim::kTaken);
  cr_assert_eq(shared.claim(), Claim::kTaken);
  cr_assert_eq(shared.claim(), Claim::kNoneLeft);
  cr_assert_eq(shared.initiator.taken(), 0u);
  cr_assert_not(shared.target.claim(1, 0));
}

Test(share, withdrawing_leaves_what_was_taken) {
  Shared shared;
  shared.initiator.offer(9);
  cr_assert(shared.target.claim(1, 0));
  cr_assert_eq(shared.initiator.withdraw(), Claim::kTaken);
  cr_assert_eq(shared.initiator.taken(), 1u);
  cr_assert_not(shared.target.claim(1, 1));
  cr_assert_eq(shared.initiator.withdraw(), Claim::kNoneLeft);
}

Test(share, numbers_come_round_but_zero) {
  Shared shared;
  for (unsigned i = 1; i <= UINT16_MAX; ++i) cr_assert_eq(shared.initiator.offer(1), i);
  cr_assert_eq(shared.initiator.offer(1), 1u);
}

Test(share, nonsense_is_told) {
  for (const std::uint64_t word : {std::uint64_t{0}, ~std::uint64_t{0}, ShareWord::pack(1, 6, 5),
                                   ShareWord::pack(1, 0, 4), ShareWord::pack(1, 0, 6), ShareWord::pack(2, 0, 5)}) {
    Shared shared;
    shared.initiator.offer(5);
    shared.word = word;
    cr_assert_eq(shared.claim(), Claim::kNonsense);
    cr_assert_eq(shared.initiator.withdraw(), Claim::kNonsense);
    cr_assert_eq(shared.word.load(), word);
  }
  Shared shared;
  shared.initiator.offer(5);
  cr_assert_not(shared.target.claim(2, 0));
  cr_assert_not(shared.target.claim(1, 1));
}

Test(share, each_piece_is_copied_once) {
  constexpr std::uint32_t kPieces = 10'000;
  for (unsigned round = 1; round <= 20; ++round) {
    Shared shared;
    std::vector<std::atomic<int>> copied(kPieces);
    shared.initiator.offer(kPieces);
    std::uint32_t done = 0;
    std::thread target([&] {
      // A claim may fail for the initiator's being quick.
      while (shared.target.left(1, done) != 0)
        if (shared.target.claim(1, done)) ++copied[done++];
      shared.target.report(1, done);
    });
    for (Claim claim; (claim = shared.claim()) != Claim::kNoneLeft;)
      if (claim == Claim::kTaken) ++copied[shared.piece];
    target.join();
    std::uint64_t reported = 0;
    cr_assert(shared.initiator.reported(&reported));
    cr_assert_eq(reported, shared.initiator.taken());
    for (const auto& count : copied) cr_assert_eq(count.load(), 1);
  }
}
