// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <cstdint>

#include "fifo/copy_choice.h"

using namespace anchor;

namespace {

constexpr std::uint32_t kBytes = 4096;

// A writer and a reader for whom a message takes so many ticks either way.
struct Pair {
  std::uint64_t cached;
  std::uint64_t streaming;
  unsigned without_room = 0;  // attempts before each message
  CopyChoice choice{};
  CopyCosts reader{};

  CopyWay message() {
    for (unsigned i = 0; i < without_room; ++i) choice.next([this] { return reader.word(); });
    const CopyWay way = choice.next([this] { return reader.word(); });
    const std::uint64_t took = way == CopyWay::kCached ? cached : streaming;
    if (choice.take_turn()) {
      choice.wrote(way, took, kBytes);
      reader.add(way, took, kBytes);
    }
    return way;
  }

  unsigned streamed_of(unsigned messages) {
    unsigned streamed = 0;
    for (unsigned i = 0; i < messages; ++i) streamed += message() == CopyWay::kStreaming;
    return streamed;
  }
};

}  // namespace

Test(copy_costs, follow_the_samples_and_travel_in_a_word) {
  CopyCosts costs;
  cr_assert_eq(costs.of(CopyWay::kCached), 0u, "not known yet");
  for (unsigned i = 0; i < 50; ++i) costs.add(CopyWay::kCached, 4000, kBytes);
  cr_assert_eq(costs.of(CopyWay::kCached), 1000u, "a KiB");
  cr_assert_eq(costs.of(CopyWay::kStreaming), 0u);
  for (unsigned i = 0; i < 50; ++i) costs.add(CopyWay::kStreaming, 800, kBytes);
  const CopyCosts there = CopyCosts::from(costs.word());
  cr_assert_eq(there.of(CopyWay::kCached), 1000u);
  cr_assert_eq(there.of(CopyWay::kStreaming), 200u);
}

Test(copy_costs, one_interruption_does_not_spoil_the_average) {
  CopyCosts costs;
  for (unsigned i = 0; i < 50; ++i) costs.add(CopyWay::kCached, 4000, kBytes);
  costs.add(CopyWay::kCached, ~0ull / 1024, kBytes);
  cr_assert_lt(costs.of(CopyWay::kCached), 2000u);
}

Test(copy_costs, neither_nothing_nor_everything_breaks_them) {
  CopyCosts costs;
  for (unsigned i = 0; i < 200; ++i) costs.add(CopyWay::kCached, ~0ull / 1024, kMinMeasured);
  for (unsigned i = 0; i < 200; ++i) costs.add(CopyWay::kCached, 0, kMinMeasured);
  cr_assert_eq(costs.of(CopyWay::kCached), 1u);
}

Test(copy_choice, settles_for_the_cheaper_way_and_still_tries_the_other) {
  if (!kStreamingCopies) return;
  for (const bool far : {false, true}) {
    for (const unsigned without_room : {0u, 7u}) {
      Pair pair{.cached = far ? 10'000u : 1'000u, .streaming = 2'000, .without_room = without_room};
      pair.streamed_of(2000);
      const unsigned streamed = pair.streamed_of(1024);
      const unsigned trials = far ? 1024 - streamed : streamed;
      cr_assert_geq(trials, 4u);
      cr_assert_leq(trials, 16u, "%u of 1024 messages went the dearer way", trials);
    }
  }
}

// Either process is moved to another processor.
Test(copy_choice, notices_when_the_other_way_becomes_cheaper) {
  if (!kStreamingCopies) return;
  Pair pair{.cached = 1'000, .streaming = 2'000};
  for (unsigned turn = 0; turn < 4; ++turn) {
    pair.cached = turn % 2 == 0 ? 10'000 : 1'000;
    pair.streamed_of(4000);
    const bool streams = pair.streamed_of(1024) > 512;
    cr_assert_eq(streams, turn % 2 == 0, "turn %u", turn);
  }
}

Test(copy_choice, copies_through_the_caches_as_long_as_the_reader_is_silent) {
  Pair pair{.cached = 10'000, .streaming = 1};
  unsigned streamed = 0;
  for (unsigned i = 0; i < 1024; ++i) {
    const CopyWay way = pair.choice.next([] { return std::uint64_t{0}; });
    if (pair.choice.take_turn()) pair.choice.wrote(way, 1, kBytes);
    streamed += way == CopyWay::kStreaming;
  }
  cr_assert_leq(streamed, 16u);
}

// The reader's word may be anything.
Test(copy_choice, takes_any_word_of_the_reader) {
  for (const std::uint64_t word : {0ull, ~0ull, 1ull, 1ull << 32, 0xffff'ffff'0000'0001ull}) {
    CopyChoice choice;
    for (unsigned i = 0; i < 300; ++i) {
      const CopyWay way = choice.next([word] { return word; });
      if (choice.take_turn()) choice.wrote(way, 100, kBytes);
    }
  }
}
