// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "node.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr std::size_t kLong = 100'003;
constexpr std::uint64_t kKey = 77;

// `a` may reach memory of `b`.
struct Exposure : Couple {
  explicit Exposure(const EndpointSettings& settings = quick(), std::size_t entries = 4096)
      : Couple(settings, entries) {
    b.expose(region, kKey, memory.data(), memory.size());
  }
  ~Exposure() { b.memory.remove(&region); }

  int write(const std::vector<unsigned char>& from, std::uint64_t address = 0, std::uint32_t flags = kWantCompletion) {
    return a.access(WorkType::kWrite, to_b, {address, from.size(), kKey}, const_cast<unsigned char*>(from.data()),
                    flags);
  }
  int read(std::vector<unsigned char>& to, std::uint64_t address = 0) {
    return a.access(WorkType::kRead, to_b, {address, to.size(), kKey}, to.data());
  }

  std::vector<unsigned char> memory = std::vector<unsigned char>(kLong);
  MemoryRegion region;
};

}  // namespace

Test(rma, a_direct_write_is_done_when_the_call_returns) {
  Exposure couple;
  const auto sent = bytes_of(kLong);
  cr_assert_eq(couple.write(sent), 0);
  cr_assert(couple.memory == sent);
  Event event;
  cr_assert(couple.a.next(&event));
  cr_assert_eq(event.completion.flags, kCompletionRma | kCompletionWrite);
  cr_assert_eq(couple.a.exchange.remotes.in_use(), 0u);
}

Test(rma, a_direct_read_is_done_when_the_call_returns) {
  Exposure couple;
  fill(couple.memory, 1);
  std::vector<unsigned char> got(20'000);
  cr_assert_eq(couple.read(got, 55), 0);
  cr_assert(std::equal(got.begin(), got.end(), couple.memory.begin() + 55));
  Event event;
  cr_assert(couple.a.next(&event));
  cr_assert_eq(event.completion.flags, kCompletionRma | kCompletionRead);
}

Test(rma, needs_no_connection) {
  Place place;
  Node a(place.device, "a"), b(place.device, "b");
  std::vector<unsigned char> memory(100);
  MemoryRegion region;
  b.expose(region, kKey, memory.data(), memory.size());
  const std::uint64_t to_b = a.insert("b");
  auto sent = bytes_of(100);
  cr_assert_eq(a.access(WorkType::kWrite, to_b, {0, 100, kKey}, sent.data()), 0);
  const Event event = await(a);  // b does nothing
  cr_assert_eq(event.error, 0);
  cr_assert(memory == sent);
  cr_assert_eq(a.peer("b").state, PeerState::kAsked);
  b.memory.remove(&region);
}

Test(rma, what_is_refused_touches_nothing) {
  for (const bool direct : {true, false}) {
    Exposure couple(direct ? quick() : without_direct_copy());
    const auto sent = bytes_of(10);
    const struct {
      RemoteTarget target;
      int error, provider_error;
    } wrong[] = {{{0, 10, 5}, EKEYREJECTED, EKEYREJECTED}, {{kLong - 9, 10, kKey}, EINVAL, ERANGE}};
    for (const auto& each : wrong) {
      auto bytes = sent;
      cr_assert_eq(couple.a.access(WorkType::kWrite, couple.to_b, each.target, bytes.data()), 0);
      cr_assert_eq(await(couple.a, couple.b).error, each.error);
    }
    couple.b.memory.remove(&couple.region);
    couple.b.expose(couple.region, kKey, couple.memory.data(), kLong, kRemoteRead);
    cr_assert_eq(couple.write(sent), 0);
    cr_assert_eq(await(couple.a, couple.b).error, EACCES);
    cr_assert(couple.memory == std::vector<unsigned char>(kLong));
    cr_assert_eq(couple.at_a().state, PeerState::kConnected);
  }
}

Test(rma, data_tells_the_target) {
  for (const bool direct : {true, false}) {
    Exposure couple(direct ? quick() : without_direct_copy());
    const auto sent = bytes_of(kLong);
    cr_assert_eq(couple.write(sent, 0, kWantCompletion | kRemoteData), 0);
    const Event told = await(couple.b, couple.a);
    cr_assert_eq(told.completion.flags, kCompletionRma | kCompletionRemoteWrite | kCompletionRemoteData);
    cr_assert_eq(told.completion.length, kLong);
    cr_assert_eq(told.completion.source, couple.to_a);
    cr_assert(couple.memory == sent);
    cr_assert_eq(await(couple.a, couple.b).error, 0);
  }
}

Test(rma, a_notice_that_finds_no_room_waits_and_the_bytes_do_not_go_again) {
  Exposure couple;
  const auto sent = bytes_of(8);
  unsigned writes = 0;
  while (couple.at_a().waiting.empty()) {
    cr_assert_eq(couple.write(sent, 0, kWantCompletion | kRemoteData), 0);
    ++writes;
  }
  couple.memory.assign(kLong, 0);
  for (unsigned i = 0; i < writes; ++i) {
    cr_assert_eq(await(couple.b, couple.a).completion.flags & kCompletionRemoteData, kCompletionRemoteData + 0ull);
    cr_assert_eq(await(couple.a, couple.b).error, 0);
  }
  cr_assert(couple.memory == std::vector<unsigned char>(kLong));
  cr_assert_eq(couple.a.exchange.remotes.in_use(), 0u);
}

Test(rma, delivery_of_data_is_confirmed) {
  Exposure couple;
  const auto sent = bytes_of(8);
  cr_assert_eq(couple.write(sent, 0, kWantCompletion | kRemoteData | kDeliveryComplete), 0);
  couple.a.passes(10);
  Event event;
  cr_assert_not(couple.a.next(&event));
  cr_assert_eq(couple.at_a().unanswered, 1u);
  await(couple.b, couple.a);
  cr_assert_eq(await(couple.a, couple.b).error, 0);
  cr_assert_eq(couple.at_a().unanswered, 0u);
}

Test(rma, counted_regions_are_told_of) {
  for (const bool direct : {true, false}) {
    Exposure couple(direct ? quick() : without_direct_copy());
    Counter reads, writes, all_reads;
    couple.b.memory.count_with(&couple.region, &reads, kRemoteRead);
    couple.b.memory.count_with(&couple.region, &writes, kRemoteWrite);
    couple.b.exchange.remote_read_counter = &all_reads;
    couple.b.exchange.published->tell_always(couple.b.exchange.counted());
    const auto sent = bytes_of(kLong);
    std::vector<unsigned char> got(kLong);
    cr_assert_eq(couple.write(sent), 0);
    cr_assert_eq(couple.read(got), 0);
    for (int i = 0; i < 2; ++i) await(couple.a, couple.b);
    cr_assert(until([&] { return writes.value() == 1 && reads.value() == 1; }, couple.a, couple.b));
    cr_assert_eq(all_reads.value(), 1u);
    cr_assert(got == sent);
  }
}

Test(rma, without_access_events_only_data_is_counted) {
  for (const bool direct : {true, false}) {
    EndpointSettings settings = direct ? quick() : without_direct_copy();
    settings.access_events = false;
    Exposure couple(settings);
    Counter reads, writes;
    couple.b.exchange.remote_read_counter = &reads;
    couple.b.exchange.remote_write_counter = &writes;
    cr_assert_eq(couple.b.exchange.counted(), 0u);
    const auto sent = bytes_of(kLong);
    std::vector<unsigned char> got(kLong);
    cr_assert_eq(couple.write(sent), 0);
    cr_assert_eq(couple.read(got), 0);
    cr_assert_eq(couple.write(sent, 0, kWantCompletion | kRemoteData), 0);
    await(couple.b, couple.a);
    for (int i = 0; i < 3; ++i) await(couple.a, couple.b);
    cr_assert_eq(writes.value(), 1u);
    cr_assert_eq(reads.value(), 0u);
  }
}

Test(rma, memory_that_went_with_its_owner) {
  Exposure couple;
  const auto sent = bytes_of(8);
  cr_assert_eq(couple.write(sent), 0);
  await(couple.a);
  couple.b.crash();
  cr_assert_eq(couple.write(sent), 0);
  cr_assert_eq(await(couple.a).error, ECONNRESET);
}

Test(rma, what_the_kernel_refuses_goes_through_the_fifo) {
  struct Refusing final : DirectCopy {
    std::ptrdiff_t read(const iovec*, std::size_t, const iovec*, std::size_t) noexcept override { return -EPERM; }
    std::ptrdiff_t write(const iovec*, std::size_t, const iovec*, std::size_t) noexcept override { return -EPERM; }
  };
  Exposure couple;
  couple.at_a().direct = std::make_unique<Refusing>();
  const auto sent = bytes_of(kLong);
  cr_assert_eq(couple.write(sent), 0);
  cr_assert_eq(await(couple.a, couple.b).error, 0);
  cr_assert(couple.memory == sent);
  cr_assert_null(couple.at_a().direct.get());
}
