// SPDX-License-Identifier: BSD-2-Clause
// The end that offers (a), step by step; the other one is played by the test, through the words that both share.
#include <criterion/criterion.h>

#include <utility>
#include <vector>

#include "exposed_pair.h"
#include "proto/share_offer.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

using Range = std::pair<std::uint64_t, std::uint64_t>;

struct Offer : ExposedPair {
  Offer() {
    cr_assert(may_offer(at_a()));
    open_offer(a.exchange, at_a(), 4 * kLargestPiece);
  }
  int proceed(int result = 0) {
    return continue_offer(a.exchange, at_a(), [&](std::uint64_t first, std::uint64_t end) {
      moved.emplace_back(first, end);
      return result;
    });
  }
  SharedWord& word() { return head(b, at_b()).progress.share; }
  SharedWord& report() { return head(a, at_a()).progress.report; }
  void take(std::uint32_t front, std::uint32_t back = 4) { word() = ShareWord::pack(1, front, back); }
  bool closed() { return !at_a().offered.active && a.exchange.offered == 0; }

  std::vector<Range> moved;
};

}  // namespace

// As many for either end, of whole pages, and as few as can be.
Test(share_offer, pieces) {
  const auto pieces_of = [](std::uint64_t bytes) {
    ExposedPair pair;
    open_offer(pair.a.exchange, pair.at_a(), bytes);
    const OfferedShare& offered = pair.at_a().offered;
    cr_assert(offered.piece % kPageSize == 0 && offered.piece <= kLargestPiece);
    cr_assert_lt((offered.pieces - 1) * std::uint64_t{offered.piece}, bytes);
    return offered.pieces;
  };
  for (const std::uint64_t bytes : {kShortestShare, 3 * kShortestShare + 1, 2 * kLargestPiece})
    cr_assert_eq(pieces_of(bytes), 2u);
  cr_assert_eq(pieces_of(2 * kLargestPiece + 1), 4u);
  cr_assert_eq(pieces_of(4 * kLargestPiece), 4u);
  cr_assert_leq(pieces_of(kLongestShare), ShareWord::kMostPieces);
}

Test(share_offer, one_at_a_time) {
  Offer offer;
  cr_assert_eq(offer.at_a().offered.pieces, 4u);
  cr_assert_eq(offer.word(), ShareWord::pack(1, 0, 4));
  cr_assert_not(may_offer(offer.at_a()));
}

Test(share_offer, nobody_helps) {
  Offer offer;
  for (unsigned i = 0; i < 3; ++i) cr_assert_eq(offer.proceed(), -EAGAIN);
  cr_assert_eq(offer.proceed(), 0);
  cr_assert(offer.moved == (std::vector<Range>{{3, 4}, {2, 3}, {1, 2}, {0, 1}}));
  cr_assert(offer.closed());
}

Test(share_offer, what_the_other_end_took_is_waited_for) {
  Offer offer;
  offer.take(4);
  cr_assert_eq(offer.proceed(), -EAGAIN);
  offer.report() = ReportWord::pack(1, 3);
  cr_assert_eq(offer.proceed(), 0);
  cr_assert(offer.moved == std::vector<Range>{Range(3, 4)}, "and the piece that it took and did not copy is ours");
  cr_assert(offer.closed());
}

Test(share_offer, a_failure_waits_for_the_other_end_too) {
  Offer offer;
  offer.take(1);
  cr_assert_eq(offer.proceed(-EFAULT), -EAGAIN);
  cr_assert_eq(offer.proceed(), -EAGAIN);
  cr_assert_eq(offer.word(), ShareWord::pack(1, 1, 1), "nothing is left to take");
  offer.report() = ReportWord::pack(1, 1);
  cr_assert_eq(offer.proceed(), -EFAULT);
  cr_assert_eq(offer.moved.size(), 1u);
  cr_assert(offer.closed());
}

Test(share_offer, nonsense_is_told) {
  Offer words, reports;
  words.word() = ShareWord::pack(1, 0, 3);
  cr_assert_eq(words.proceed(), -EPROTO);
  reports.take(4);
  reports.report() = ReportWord::pack(1, 5);
  cr_assert_eq(reports.proceed(), -EPROTO);
}
