// SPDX-License-Identifier: BSD-2-Clause
// Atomic operations of several threads and endpoints on one memory, which its owner reaches through two endpoints, each
// driven by a thread of its own: totals tell whether anything was lost, whatever the type and its size.
#include <sched.h>

#include <complex>
#include <cstring>
#include <thread>
#include <vector>

#include "contender.h"
#include "core/memory_region.h"
#include "near_device.h"
#include "party.h"
#include "verdicts.h"

namespace anchor::stress {
namespace {

constexpr unsigned kRounds = 1500;
constexpr std::uint64_t kKey = 7;
constexpr const char* kTargets[] = {"anchor://atomic-target-0", "anchor://atomic-target-1"};

struct alignas(64) Totals {
  std::uint64_t sum = 0;
  std::uint64_t tickets = 0;
  std::uint64_t swapped = 0;
  std::complex<double> wide{};
  unsigned char odd[16] = {};
};

void change_all(Contender& contender) {
  std::uint64_t last = 0;
  for (unsigned round = 0; round < kRounds; ++round) {
    const std::uint64_t ticket = contender.fetch(AtomicOperation::kSum, offsetof(Totals, tickets), 1);
    expect(round == 0 || ticket > last, "tickets grow", static_cast<long long>(ticket));
    last = ticket;
    contender.add(AtomicType::kUint64, offsetof(Totals, sum), std::array{std::uint64_t{1}});
    contender.add(AtomicType::kDoubleComplex, offsetof(Totals, wide), std::array{std::complex<double>(1, -2)});
    contender.add(AtomicType::kUint64, offsetof(Totals, odd) + 3, std::array{std::uint64_t{1}});
    contender.swap_up(offsetof(Totals, swapped));
  }
}

// Who has done its part goes on making progress for the others.
void contend(Party& party, std::uint64_t target, std::atomic<unsigned>& running) {
  Contender contender(party, target, kKey);
  change_all(contender);
  running.fetch_sub(1);
  while (running.load() != 0)
    if (party.poll() == 0) sched_yield();
}

void expect_totals(const Totals& totals, std::uint64_t initiators) {
  const std::uint64_t rounds = initiators * kRounds;
  std::uint64_t odd;
  std::memcpy(&odd, totals.odd + 3, sizeof odd);
  expect(totals.sum == rounds, "the sum", static_cast<long long>(totals.sum));
  expect(totals.tickets == rounds, "the tickets", static_cast<long long>(totals.tickets));
  expect(totals.swapped == rounds, "what was swapped", static_cast<long long>(totals.swapped));
  expect(odd == rounds, "the unaligned sum", static_cast<long long>(odd));
  const auto count = static_cast<double>(rounds);
  expect(totals.wide == std::complex<double>(count, -2 * count), "the sum of complex numbers");
}

void contend_for_one_memory() {
  NearDevice device;
  const EndpointSettings settings;
  Totals totals;
  MemoryRegistry registry;
  MemoryRegion region;
  region.key = kKey;
  region.rights = kRemoteRead | kRemoteWrite;
  region.segment_count = 1;
  region.segments[0] = {&totals, sizeof totals};
  expect(registry.reserve(&region) == 0 && registry.enable(&region) == 0, "memory is registered");
  {
    Party targets[2] = {{device, settings}, {device, settings}}, shared(device, settings), alone(device, settings);
    for (int i = 0; i < 2; ++i) {
      targets[i].endpoint().bind(&registry);
      expect(targets[i].open(kTargets[i]) == 0, "a target opens");
    }
    expect(shared.open("anchor://atomic-shared") == 0 && alone.open("anchor://atomic-alone") == 0, "initiators open");
    std::atomic<unsigned> running{5};
    std::vector<std::thread> threads;
    const auto start = [&](Party& party, int target) {
      const std::uint64_t address = party.meet(kTargets[target]);
      threads.emplace_back([&party, address, &running] { contend(party, address, running); });
    };
    start(shared, 0);
    start(shared, 1);
    start(alone, 1);
    start(targets[0], 0);  // the owner's own calls
    start(targets[1], 0);
    for (std::thread& thread : threads) thread.join();
  }
  registry.remove(&region);
  expect_totals(totals, 5);
}

}  // namespace
}  // namespace anchor::stress

int main() {
  anchor::stress::Verdicts verdicts;
  verdicts.run("five threads, four endpoints, one memory", anchor::stress::contend_for_one_memory);
  return verdicts.finish();
}
