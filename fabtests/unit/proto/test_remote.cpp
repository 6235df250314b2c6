// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <sys/mman.h>

#include "node.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

struct Exposure : Couple {
  explicit Exposure(const EndpointSettings& settings) : Couple(settings) {
    b.expose(region, 1, memory.data(), memory.size());
  }
  ~Exposure() { b.memory.remove(&region); }
  int write(std::uint32_t flags = kWantCompletion, std::size_t length = 8) {
    return a.access(WorkType::kWrite, to_b, {0, length, 1}, bytes.data(), flags);
  }

  std::vector<unsigned char> memory = std::vector<unsigned char>(100'000), bytes = bytes_of(100'000);
  MemoryRegion region;
};

EndpointSettings few(bool direct) {
  EndpointSettings settings = direct ? quick() : without_direct_copy();
  settings.transmit_size = 3;
  return settings;
}

}  // namespace

Test(remote, no_more_are_outstanding_than_was_said) {
  Exposure couple(few(false));
  for (int i = 0; i < 3; ++i) cr_assert_eq(couple.write(), 0);
  cr_assert_eq(couple.write(), -EAGAIN);
  await(couple.a, couple.b);
  cr_assert_eq(couple.write(), 0);
}

Test(remote, a_fenced_one_waits_for_all_before) {
  Exposure couple(quick());
  auto message = bytes_of(100'000);
  cr_assert_eq(couple.a.send(couple.to_b, message.data(), message.size()), 0);
  cr_assert_eq(couple.write(kWantCompletion | kFence), 0);
  couple.a.passes(10);
  cr_assert_eq(couple.memory[1], 0, "the message has not been received");
  cr_assert_eq(couple.write(), 0);
  cr_assert_eq(couple.at_a().waiting.size(), 2u, "what comes after it waits, too");
  std::vector<unsigned char> got(100'000);
  cr_assert_eq(couple.b.receive(got.data(), got.size()), 0);
  cr_assert_eq(await(couple.b, couple.a).error, 0);
  for (int i = 0; i < 3; ++i) cr_assert_eq(await(couple.a, couple.b).error, 0);
  cr_assert_eq(couple.memory[1], couple.bytes[1]);
}

Test(remote, a_fenced_message_waits_for_all_before) {
  Exposure couple(without_direct_copy());
  cr_assert_eq(couple.write(kWantCompletion, 100'000), 0);
  cr_assert_eq(couple.a.send(couple.to_b, "x", 1, 0, kWantCompletion | kFence), 0);
  char got = 0;
  cr_assert_eq(couple.b.receive(&got, 1), 0);
  const Event event = await(couple.a, couple.b);
  cr_assert_eq(event.completion.flags, kCompletionRma | kCompletionWrite);
  cr_assert_eq(await(couple.a, couple.b).error, 0);
  cr_assert_eq(got, 'x');
}

Test(remote, answers_to_nothing_are_malformed) {
  Exposure couple(without_direct_copy());
  const auto finish = [&](Peer& peer, std::uint64_t request, std::int64_t status) {
    return on_remote_finish(couple.a.exchange, peer,
                            forged(Operation::kRemoteFinish, RemoteFinishBody{request, status}));
  };
  cr_assert_eq(finish(couple.at_a(), 0, 0), Verdict::kMalformed);
  cr_assert_eq(couple.write(), 0);
  std::uint64_t id = 0;
  couple.a.exchange.remotes.for_each([&](RemoteRequest* request) { id = couple.a.exchange.remotes.id(request); });
  cr_assert_eq(finish(couple.a.peer("stranger"), id, 0), Verdict::kMalformed);
  cr_assert_eq(finish(couple.at_a(), id + 1, 0), Verdict::kMalformed);
  cr_assert_eq(finish(couple.at_a(), id, 77), Verdict::kTaken);
  cr_assert_eq(await(couple.a).error, EPROTO);
  cr_assert_eq(finish(couple.at_a(), id, 0), Verdict::kMalformed);
  cr_assert_eq(finish(couple.at_a(), id, -EACCES), Verdict::kTaken, "refused, as another part of it was");
}

Test(remote, a_read_of_which_nothing_can_be_had_ends_once) {
  Exposure couple(without_direct_copy());
  void* const nothing = mmap(nullptr, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  cr_assert_neq(nothing, MAP_FAILED);
  MemoryRegion region;
  couple.b.expose(region, 2, nothing, 8192);
  std::vector<unsigned char> got(8192);
  const iovec segment{got.data(), got.size()};
  const RemoteTarget targets[] = {{0, 4096, 2}, {4096, 4096, 2}};
  cr_assert_eq(couple.a.access(WorkType::kRead, couple.to_b, &segment, 1, targets, 2), 0);
  cr_assert_eq(await(couple.a, couple.b).error, EFAULT);
  for (int i = 0; i < 10; ++i) couple.b.progress(), couple.a.progress();
  cr_assert_eq(couple.at_a().state, PeerState::kConnected);
  Event event;
  cr_assert_not(couple.a.next(&event), "that was its only end");
  couple.b.memory.remove(&region);
  munmap(nothing, 8192);
}

Test(remote, all_that_is_outstanding_ends_with_the_peer) {
  Exposure couple(without_direct_copy());
  std::vector<unsigned char> got(100'000);
  for (int i = 0; i < 3; ++i) {
    cr_assert_eq(couple.write(kWantCompletion, 100'000), 0);
    cr_assert_eq(couple.a.access(WorkType::kRead, couple.to_b, {0, got.size(), 1}, got.data()), 0);
  }
  couple.b.crash();
  for (int i = 0; i < 6; ++i) cr_assert_eq(await(couple.a).error, ECONNRESET);
  cr_assert_eq(couple.a.exchange.remotes.in_use(), 0u);
  cr_assert_eq(couple.at_a().unanswered + couple.at_a().unanswered_reads, 0u);
}

Test(remote, goes_in_line_with_messages) {
  Exposure couple(quick());
  auto message = bytes_of(4000);
  while (couple.at_a().waiting.empty())
    cr_assert_eq(couple.a.send(couple.to_b, message.data(), message.size(), 0, 0), 0);
  cr_assert_eq(couple.write(), 0);
  cr_assert_eq(couple.at_a().waiting.size(), 2u);
  cr_assert_eq(couple.memory[1], 0);
  const Event event = await(couple.a, couple.b);
  cr_assert_eq(event.completion.flags, kCompletionRma | kCompletionWrite);
  cr_assert_eq(couple.memory[1], couple.bytes[1]);
}
