// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <algorithm>

#include "distant_pair.h"
#include "proto/rma.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr std::size_t kSize = kPlacedBytes;

// b's memory can be exposed, so that a may write there by key 1.
struct ExposedPair : DistantPair {
  ~ExposedPair() {
    if (region.enabled) b.memory.remove(&region);
  }
  void expose(void* bytes, std::size_t length) { b.expose(region, 1, bytes, length); }
  int write(const std::vector<unsigned char>& bytes, std::size_t position = 0) {
    return a.access(WorkType::kWrite, to_b, {position, bytes.size(), 1}, const_cast<unsigned char*>(bytes.data()));
  }
  // Whether one operation has ended, with this error, without b.
  bool ended(int error = 0) {
    Event event;
    return a.next(&event) && event.error == error;
  }

  MemoryRegion region;
};

}  // namespace

Test(rma_placed, writes_need_nobody) {
  ExposedPair pair;
  cr_assert_eq(pair.at_a().channel->table_changes(), 0u);
  pair.expose(pair.memory, kSize);
  cr_assert_eq(pair.at_a().channel->table_changes(), 1u);
  for (const std::size_t length : {std::size_t{1}, std::size_t{100}, std::size_t{5000}, kSize - 33}) {
    const auto bytes = bytes_of(length);
    cr_assert_eq(pair.write(bytes, 33), 0);
    cr_assert(pair.ended());
    cr_assert(std::equal(bytes.begin(), bytes.end(), pair.memory + 33));
  }
}

Test(rma_placed, several_segments_on_either_side) {
  ExposedPair pair;
  pair.expose(pair.memory, kSize);
  const auto bytes = bytes_of(1000);
  auto* from = const_cast<unsigned char*>(bytes.data());
  const iovec segments[] = {{from, 300}, {from + 300, 0}, {from + 300, 700}};
  const RemoteTarget targets[] = {{0, 500, 1}, {2000, 500, 1}};
  cr_assert_eq(pair.a.access(WorkType::kWrite, pair.to_b, segments, 3, targets, 2), 0);
  cr_assert(pair.ended());
  cr_assert(std::equal(from, from + 500, pair.memory) && std::equal(from + 500, from + 1000, pair.memory + 2000));
}

Test(rma_placed, reads_are_left_to_the_target) {
  ExposedPair pair;
  pair.expose(pair.memory, kSize);
  std::fill_n(pair.memory, 100, 'r');
  unsigned char in[100] = {};
  cr_assert_eq(pair.a.access(WorkType::kRead, pair.to_b, {0, sizeof in, 1}, in), 0);
  pair.a.passes(50);
  cr_assert_not(pair.ended());
  cr_assert(until([&] { return pair.ended(); }, pair.a, pair.b));
  cr_assert_eq(in[99], 'r');
}

Test(rma_placed, ordinary_memory_is_written_by_the_target) {
  ExposedPair pair;
  std::vector<unsigned char> ordinary(1000);
  pair.expose(ordinary.data(), ordinary.size());
  cr_assert_eq(pair.at_a().channel->table_changes(), 0u);
  const auto bytes = bytes_of(1000);
  cr_assert_eq(pair.write(bytes), 0);
  pair.a.passes(50);
  cr_assert_not(pair.ended());
  cr_assert(until([&] { return pair.ended(); }, pair.a, pair.b));
  cr_assert(ordinary == bytes);
}

Test(rma_placed, waits_for_what_went_through_the_fifo) {
  ExposedPair pair;
  pair.expose(pair.memory, kSize);
  unsigned char in[8] = {};
  cr_assert_eq(pair.a.access(WorkType::kRead, pair.to_b, {0, sizeof in, 1}, in), 0);
  const auto bytes = bytes_of(8);
  cr_assert_eq(pair.write(bytes), 0);
  cr_assert_neq(pair.memory[0], bytes[0], "the read comes first");
  unsigned ends = 0;
  cr_assert(until([&] { return (ends += pair.ended()) == 2; }, pair.a, pair.b));
  cr_assert_eq(in[0], 0);
  cr_assert(std::equal(bytes.begin(), bytes.end(), pair.memory));
}

Test(rma_placed, a_closed_region_is_not_written_to) {
  ExposedPair pair;
  pair.expose(pair.memory, kSize);
  const auto bytes = bytes_of(100);
  cr_assert_eq(pair.write(bytes), 0);
  cr_assert(pair.ended());
  std::fill_n(pair.memory, 100, 0);
  pair.b.memory.remove(&pair.region);
  cr_assert_eq(pair.at_a().channel->table_changes(), 2u);
  cr_assert_eq(pair.write(bytes), 0);
  cr_assert(until([&] { return pair.ended(EKEYREJECTED); }, pair.a, pair.b));
  cr_assert_eq(pair.memory[0], 0);
}

// A table that says nonsense of where its memory lies.
Test(rma_placed, what_is_not_in_the_window_is_not_touched) {
  ExposedPair pair;
  pair.expose(pair.memory, kSize);
  const std::uint64_t chunk =
      reinterpret_cast<ProtectionDirectory*>(pair.b.exchange.region->header() + kProtectionOffset)->chunks[0];
  auto* row = reinterpret_cast<ProtectionRow*>(
      reinterpret_cast<std::byte*>(pair.memory) -
      WindowMemoryPlace::offset(pair.b.exchange.region->place_of(pair.memory, 1)) + chunk);
  const std::uint64_t place = row->place;
  for (const std::uint64_t lie : {place + (std::uint64_t{8} << 20), place | 0xffff'ffff'0000, std::uint64_t{1},
                                  place ^ (std::uint64_t{1} << 48)}) {
    row->place = lie;
    pair.b.memory.refresh(&pair.region);
    const auto bytes = bytes_of(100);
    cr_assert_eq(pair.write(bytes), 0);
    cr_assert_not(pair.ended());
    cr_assert(until([&] { return pair.ended(); }, pair.a, pair.b), "the target knows better");
  }
}
