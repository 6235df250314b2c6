// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "node.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

struct Alone {
  Alone() {
    self = node.insert("a");
    node.expose(region, 1, memory, sizeof memory);
  }
  ~Alone() { node.memory.remove(&region); }
  int access(WorkType type, const RemoteTarget& target, void* bytes, std::uint32_t flags = kWantCompletion) {
    return node.access(type, self, target, bytes, flags);
  }

  Place place;
  Node node{place.device, "a", quick(), 4};
  std::uint64_t self;
  unsigned char memory[100] = {};
  MemoryRegion region;
};

}  // namespace

Test(rma_self, bytes_move_at_once_and_without_a_connection) {
  Alone alone;
  auto bytes = bytes_of(50);
  cr_assert_eq(alone.access(WorkType::kWrite, {10, 50, 1}, bytes.data()), 0);
  cr_assert_eq(std::memcmp(alone.memory + 10, bytes.data(), 50), 0);
  std::vector<unsigned char> got(50);
  cr_assert_eq(alone.access(WorkType::kRead, {10, 50, 1}, got.data()), 0);
  cr_assert(got == bytes);
  cr_assert_eq(alone.node.peer("a").state, PeerState::kIdle);
  for (int i = 0; i < 2; ++i) cr_assert_eq(await(alone.node).error, 0);
}

Test(rma_self, is_checked_as_a_peer_is) {
  Alone alone;
  char byte = 1;
  cr_assert_eq(alone.access(WorkType::kWrite, {100, 1, 1}, &byte), 0);
  cr_assert_eq(await(alone.node).error, EINVAL);
  cr_assert_eq(alone.access(WorkType::kWrite, {0, 1, 2}, &byte), 0);
  cr_assert_eq(await(alone.node).error, EKEYREJECTED);
  cr_assert_eq(alone.memory[0], 0);
}

Test(rma_self, one_wrong_target_of_two_moves_nothing) {
  Alone alone;
  auto bytes = bytes_of(20);
  const iovec ours{bytes.data(), 20};
  const RemoteTarget targets[] = {{0, 10, 1}, {95, 10, 1}};
  RemoteWork work{alone.node.request(WorkType::kWrite, kWantCompletion, &ours, 1, alone.self, 0, 0), 2, targets};
  cr_assert_eq(begin_remote(alone.node.exchange, alone.node.peer("a"), work), 0);
  cr_assert_eq(await(alone.node).error, EINVAL);
  cr_assert_eq(alone.memory[1], 0);
}

Test(rma_self, data_and_counters) {
  Alone alone;
  Counter reads, writes;
  alone.node.exchange.remote_write_counter = &writes;
  alone.node.memory.count_with(&alone.region, &reads, kRemoteRead);
  char byte = 1;
  cr_assert_eq(alone.access(WorkType::kWrite, {0, 1, 1}, &byte, kWantCompletion | kRemoteData), 0);
  cr_assert_eq(alone.access(WorkType::kRead, {0, 1, 1}, &byte, 0), 0);
  cr_assert_eq(await(alone.node).completion.flags & kCompletionRemoteData, kCompletionRemoteData + 0ull);
  cr_assert_eq(await(alone.node).completion.flags, kCompletionRma | kCompletionWrite);
  cr_assert_eq(reads.value(), 1u);
  cr_assert_eq(writes.value(), 1u);
}

Test(rma_self, data_waits_for_room_in_the_queue) {
  Alone alone;
  char byte = 1;
  while (!alone.node.queue.full()) cr_assert_eq(alone.access(WorkType::kWrite, {0, 1, 1}, &byte), 0);
  cr_assert_eq(alone.access(WorkType::kWrite, {0, 1, 1}, &byte, kRemoteData), 0);
  cr_assert_not(alone.node.peer("a").waiting.empty());
  for (int i = 0; i < 4; ++i) await(alone.node);
  cr_assert_eq(await(alone.node).completion.flags & kCompletionRemoteData, kCompletionRemoteData + 0ull);
}
