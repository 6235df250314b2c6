// SPDX-License-Identifier: BSD-2-Clause
// Offers as a hostile initiator would make them.
#include <criterion/criterion.h>

#include <algorithm>

#include "exposed_pair.h"
#include "proto/loss.h"
#include "proto/share_assist.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr std::uint32_t kPiece = 64u << 10;

struct Offers : ExposedPair {
  Verdict offer(const RemoteShareBody& body, std::uint64_t number = 1) {
    IncomingMessage message = forged(Operation::kRemoteShare, body);
    message.tag = 1;
    message.data = number;
    return on_remote_share(b.exchange, at_b(), message);
  }
  RemoteShareBody body(std::uint64_t length = kExposed) {
    return {0, length, reinterpret_cast<std::uint64_t>(bytes.data()), kPiece, kRemoteWrite};
  }
  SharedWord& word() { return head(b, at_b()).progress.share; }
  std::uint64_t report() { return head(a, at_a()).progress.report; }

  std::vector<unsigned char> bytes = bytes_of(kExposed);
};

}  // namespace

Test(share_assist, what_makes_no_sense_is_malformed) {
  Offers offers;
  cr_assert_eq(offers.offer(offers.body(), 0), Verdict::kMalformed);
  cr_assert_eq(offers.offer(offers.body(), 1u << 16), Verdict::kMalformed);
  cr_assert_eq(offers.offer(offers.body(0)), Verdict::kMalformed);
  cr_assert_eq(offers.offer(offers.body(~0ull)), Verdict::kMalformed, "too many pieces");
  RemoteShareBody body = offers.body();
  body.piece = 0;
  cr_assert_eq(offers.offer(body), Verdict::kMalformed);
  body.piece = 1u << 31;
  cr_assert_eq(offers.offer(body), Verdict::kMalformed);
  body = offers.body();
  body.rights = kRemoteRead | kRemoteWrite;
  cr_assert_eq(offers.offer(body), Verdict::kMalformed);
  cr_assert_eq(offers.offer(offers.body()), Verdict::kTaken);
  cr_assert_eq(offers.offer(offers.body(), 2), Verdict::kMalformed, "a second one before it is done with the first");
  cr_assert_eq(offers.b.exchange.assisted.size(), 1u);
}

Test(share_assist, a_pass_copies_a_piece) {
  Offers offers;
  offers.word() = ShareWord::pack(1, 0, 3);
  cr_assert_eq(offers.offer(offers.body()), Verdict::kTaken);
  offers.b.progress();
  cr_assert_eq(offers.word(), ShareWord::pack(1, 1, 3));
  cr_assert_eq(offers.report(), 0u);
  offers.b.passes(2);
  cr_assert_eq(offers.word(), ShareWord::pack(1, 3, 3));
  cr_assert_eq(offers.report(), ReportWord::pack(1, 3));
  cr_assert_eq(std::memcmp(offers.bytes.data(), offers.memory.data(), 3 * kPiece), 0);
  cr_assert_eq(offers.memory[3 * kPiece], '.');
}

Test(share_assist, a_word_that_changes_ends_it) {
  for (const std::uint64_t word :
       {ShareWord::pack(1, 0, 9), ShareWord::pack(1, 2, 9), ShareWord::pack(2, 1, 9), std::uint64_t{0}}) {
    Offers offers;
    offers.word() = ShareWord::pack(1, 0, 9);
    cr_assert_eq(offers.offer(offers.body()), Verdict::kTaken);
    offers.b.progress();
    offers.word() = word;
    offers.b.progress();
    cr_assert_eq(offers.word(), word);
    cr_assert_eq(offers.report(), ReportWord::pack(1, 1));
    cr_assert(offers.b.exchange.assisted.empty());
    cr_assert_eq(offers.at_b().state, PeerState::kConnected);
  }
}

Test(share_assist, more_pieces_than_there_are) {
  Offers offers;
  offers.word() = ShareWord::pack(1, 0, 100);
  cr_assert_eq(offers.offer(offers.body(kPiece + 1)), Verdict::kTaken);
  offers.b.passes(5);
  cr_assert_eq(offers.report(), ReportWord::pack(1, 2));
  cr_assert_eq(offers.memory[kPiece], offers.bytes[kPiece]);
  cr_assert_eq(offers.memory[kPiece + 1], '.');
}

Test(share_assist, what_the_registry_refuses_is_not_touched) {
  const auto refused = [](const RemoteShareBody& body, std::uint32_t rights) {
    Offers offers;
    offers.region.rights = rights;
    offers.word() = ShareWord::pack(1, 0, 2);
    RemoteShareBody forged_body = body;
    forged_body.initiator_address = reinterpret_cast<std::uint64_t>(offers.bytes.data());
    const auto before = offers.bytes;
    cr_assert_eq(offers.offer(forged_body), Verdict::kTaken);
    offers.b.passes(3);
    cr_assert_eq(offers.report(), ReportWord::pack(1, 0));
    cr_assert_eq(std::count(offers.memory.begin(), offers.memory.end(), '.'), kExposed);
    cr_assert(offers.bytes == before);
  };
  refused({kExposed - 10, kPiece, 0, kPiece, kRemoteWrite}, kRemoteRead | kRemoteWrite);
  refused({~0ull - 10, kPiece, 0, kPiece, kRemoteWrite}, kRemoteRead | kRemoteWrite);
  refused({0, kPiece, 0, kPiece, kRemoteWrite}, kRemoteRead);
  refused({0, kPiece, 0, kPiece, kRemoteRead}, kRemoteWrite);
}

Test(share_assist, memory_that_is_not_the_initiators_is_its_own_loss) {
  Offers offers;
  offers.word() = ShareWord::pack(1, 0, 2);
  RemoteShareBody body = offers.body();
  body.initiator_address = 8;
  cr_assert_eq(offers.offer(body), Verdict::kTaken);
  offers.b.passes(3);
  cr_assert_eq(offers.report(), ReportWord::pack(1, 0));
}

Test(share_assist, one_that_leaves_is_not_helped) {
  Offers offers;
  begin_loss(offers.b.exchange, offers.at_b(), ECONNRESET);
  cr_assert_eq(offers.offer(offers.body()), Verdict::kTaken);
  cr_assert(offers.b.exchange.assisted.empty());
}
