// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "exposed_pair.h"

using namespace anchor;
using namespace anchor::unit;

namespace {

constexpr std::size_t kLong = 100'003;

}  // namespace

Test(rma, a_direct_write_is_done_when_the_call_returns) {
  ExposedPair couple;
  const auto sent = bytes_of(kLong);
  cr_assert_eq(couple.write(sent), 0);
  cr_assert(couple.holds(sent));
  Event event;
  cr_assert(couple.a.next(&event));
  cr_assert_eq(event.completion.flags, kCompletionRma | kCompletionWrite);
  cr_assert_eq(couple.a.exchange.remotes.in_use(), 0u);
}

Test(rma, a_direct_read_is_done_when_the_call_returns) {
  ExposedPair couple;
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
  b.expose(region, 1, memory.data(), memory.size());
  const std::uint64_t to_b = a.insert("b");
  auto sent = bytes_of(100);
  cr_assert_eq(a.access(WorkType::kWrite, to_b, {0, 100, 1}, sent.data()), 0);
  const Event event = await(a);  // b does nothing
  cr_assert_eq(event.error, 0);
  cr_assert(memory == sent);
  cr_assert_eq(a.peer("b").state, PeerState::kAsked);
  b.memory.remove(&region);
}

Test(rma, what_is_refused_touches_nothing) {
  for (const bool direct : {true, false}) {
    ExposedPair couple(direct ? quick() : without_direct_copy());
    const auto sent = bytes_of(10);
    const struct {
      RemoteTarget target;
      int error, provider_error;
    } wrong[] = {{{0, 10, 5}, EKEYREJECTED, EKEYREJECTED}, {{kExposed - 9, 10, 1}, EINVAL, ERANGE}};
    for (const auto& each : wrong) {
      auto bytes = sent;
      cr_assert_eq(couple.a.access(WorkType::kWrite, couple.to_b, each.target, bytes.data()), 0);
      cr_assert_eq(await(couple.a, couple.b).error, each.error);
    }
    couple.b.memory.remove(&couple.region);
    couple.b.expose(couple.region, 1, couple.memory.data(), kExposed, kRemoteRead);
    cr_assert_eq(couple.write(sent), 0);
    cr_assert_eq(await(couple.a, couple.b).error, EACCES);
    cr_assert(couple.holds(std::vector<unsigned char>(kExposed, '.')));
    cr_assert_eq(couple.at_a().state, PeerState::kConnected);
  }
}

Test(rma, memory_that_went_with_its_owner) {
  ExposedPair couple;
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
  ExposedPair couple;
  couple.at_a().direct = std::make_unique<Refusing>();
  const auto sent = bytes_of(kLong);
  cr_assert_eq(couple.write(sent), 0);
  cr_assert_eq(await(couple.a, couple.b).error, 0);
  cr_assert(couple.holds(sent));
  cr_assert_null(couple.at_a().direct.get());
}
