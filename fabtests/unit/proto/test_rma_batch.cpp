// SPDX-License-Identifier: BSD-2-Clause
// Streams of operations too long for the FIFO, which go directly.
#include <criterion/criterion.h>
#include <sys/mman.h>

#include "exposed_pair.h"
#include "proto/loss.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr std::size_t kLong = 16'384;

}  // namespace

Test(rma_batch, the_first_goes_at_once_and_others_wait_for_a_pass) {
  ExposedPair pair;
  auto first = bytes_of(kLong, 1), second = bytes_of(kLong, 2), third = bytes_of(kLong, 3);
  cr_assert_eq(pair.write(first, 0), 0);
  cr_assert(pair.holds(first));
  cr_assert_eq(pair.write(second, kLong), 0);
  cr_assert_eq(pair.write(third, 2 * kLong), 0);
  cr_assert_eq(pair.memory[kLong], '.');
  cr_assert_eq(pair.outstanding(), 2u);
  pair.a.progress();
  cr_assert(pair.holds(second, kLong) && pair.holds(third, 2 * kLong));
  cr_assert_eq(pair.completed(), 3u);
  cr_assert_eq(pair.outstanding(), 0u);
  cr_assert_eq(pair.write(first, kLong), 0);
  cr_assert(pair.holds(first, kLong), "the first after a pass");
}

Test(rma_batch, many_do_not_wait) {
  ExposedPair pair;
  auto bytes = bytes_of(kLong);
  for (unsigned i = 0; i < 17; ++i) cr_assert_eq(pair.write(bytes, i * kLong), 0);
  cr_assert(pair.holds(bytes, 16 * kLong));
  cr_assert_eq(pair.completed(), 17u);
  auto large = bytes_of(100'000);
  for (unsigned i = 0; i < 6; ++i) cr_assert_eq(pair.write(large, i), 0);
  cr_assert(pair.holds(large, 4));
}

Test(rma_batch, they_are_moved_in_order) {
  ExposedPair pair;
  std::vector<std::vector<unsigned char>> written, found;
  for (unsigned i = 0; i < 12; ++i) {
    written.push_back(bytes_of(kLong, i));
    found.emplace_back(kLong);
    cr_assert_eq(pair.write(written[i]), 0);
    if (i % 3 == 0) cr_assert_eq(pair.read(found[i]), 0);
  }
  pair.a.progress();
  cr_assert_eq(pair.completed(), 16u);
  for (unsigned i = 0; i < 12; i += 3) cr_assert(found[i] == written[i], "a read after write %u", i);
  cr_assert(pair.holds(written[11]));
}

Test(rma_batch, one_that_fails_does_so_alone) {
  ExposedPair pair;
  void* hole = mmap(nullptr, kLong, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  cr_assert_neq(hole, MAP_FAILED);
  MemoryRegion absent, other;
  pair.b.expose(absent, 2, hole, kLong);
  auto bytes = bytes_of(kLong);
  pair.b.expose(other, 3, pair.memory.data() + 8 * kLong, kLong, kRemoteRead);
  const auto write_to = [&](std::uint64_t key) {
    cr_assert_eq(pair.a.access(WorkType::kWrite, pair.to_b, {0, kLong, key}, bytes.data()), 0);
  };
  cr_assert_eq(pair.write(bytes, 0), 0);
  cr_assert_eq(pair.write(bytes, kLong), 0);
  write_to(2);
  cr_assert_eq(pair.write(bytes, 2 * kLong), 0);
  write_to(3);
  cr_assert_eq(pair.write(bytes, 3 * kLong), 0);
  pair.a.progress();
  for (const int error : {0, 0, EFAULT, 0, EACCES, 0}) {
    Event event;
    cr_assert(pair.a.next(&event));
    cr_assert_eq(event.error, error);
  }
  for (unsigned i = 0; i < 4; ++i) cr_assert(pair.holds(bytes, i * kLong));
  cr_assert_eq(pair.memory[8 * kLong], '.');
  pair.b.memory.remove(&absent);
  pair.b.memory.remove(&other);
  munmap(hole, kLong);
}

Test(rma_batch, what_is_revoked_meanwhile_is_not_touched) {
  ExposedPair pair;
  auto bytes = bytes_of(kLong);
  for (unsigned i = 0; i < 3; ++i) cr_assert_eq(pair.write(bytes, i * kLong), 0);
  pair.b.memory.remove(&pair.region);
  pair.a.progress();
  cr_assert(pair.holds(bytes));
  cr_assert_eq(pair.memory[kLong], '.');
  Event event;
  cr_assert(pair.a.next(&event) && event.error == 0);
  cr_assert_eq(pair.completed(EKEYREJECTED), 2u);
}

Test(rma_batch, streams_that_would_fit_the_fifo_leave_it) {
  ExposedPair pair;
  std::vector<std::vector<unsigned char>> written;
  for (unsigned i = 0; i < 12; ++i) {
    written.push_back(bytes_of(4096, i));
    cr_assert_eq(pair.write(written[i], 100 * i), 0);
  }
  // The first ones may be all there are; how many fit depends on the way they are written (copy_choice.h).
  const std::size_t first = pair.at_a().withdrawable.size();
  cr_assert(first >= 2 && first <= 4, "%zu", first);
  cr_assert(until([&] { return pair.outstanding() == 0; }, pair.b, pair.a));
  cr_assert_eq(pair.completed(), 12u);
  for (unsigned i = 0; i < 12; ++i) cr_assert_eq(pair.memory[100 * i], written[i][0], "write %u", i);
  cr_assert(pair.holds(written[11], 1100));
  std::vector<unsigned char> small(1000, 's');
  for (unsigned i = 0; i < 6; ++i) cr_assert_eq(pair.write(small), 0);
  cr_assert_eq(pair.at_a().withdrawable.size(), 6u);
  cr_assert(until([&] { return pair.outstanding() == 0; }, pair.a, pair.b));
}

Test(rma_batch, messages_wait_behind_them) {
  ExposedPair pair;
  auto bytes = bytes_of(kLong);
  char got = 0;
  cr_assert_eq(pair.b.receive(&got, 1), 0);
  cr_assert_eq(pair.write(bytes), 0);
  cr_assert_eq(pair.write(bytes, kLong), 0);
  cr_assert_eq(pair.a.send(pair.to_b, "s", 1), 0);
  pair.b.passes(10);
  cr_assert_eq(got, 0);
  pair.a.progress();
  pair.b.progress();
  cr_assert_eq(got, 's');
  cr_assert(pair.holds(bytes, kLong));
}

Test(rma_batch, injected_and_fenced_ones_do_not_wait) {
  ExposedPair pair;
  auto bytes = bytes_of(kLong);
  cr_assert_eq(pair.write(bytes), 0);
  cr_assert_eq(pair.write(bytes, kLong, kInject), 0);
  cr_assert(pair.holds(bytes, kLong), "nobody asks for its completion");
  cr_assert_eq(pair.write(bytes, 2 * kLong, kFence | kWantCompletion), 0);
  cr_assert(pair.holds(bytes, 2 * kLong));
}

Test(rma_batch, a_lost_peer_ends_them) {
  ExposedPair pair;
  auto bytes = bytes_of(kLong);
  for (unsigned i = 0; i < 3; ++i) cr_assert_eq(pair.write(bytes, i * kLong), 0);
  begin_loss(pair.a.exchange, pair.at_a(), ECONNRESET);
  cr_assert(until([&] { return pair.outstanding() == 0; }, pair.a));
  Event event;
  cr_assert(pair.a.next(&event) && event.error == 0);
  cr_assert_eq(pair.completed(ECONNRESET), 2u);
  cr_assert_not(pair.at_a().gathering);
}
