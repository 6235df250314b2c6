// SPDX-License-Identifier: BSD-2-Clause
// Atomic operations of several threads and endpoints on one memory, which its owner reaches through two endpoints, each
// driven by a thread of its own: totals tell whether anything was lost, whatever the type and its size.
#include <sched.h>

#include <cerrno>
#include <complex>
#include <cstring>
#include <thread>
#include <vector>

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

class Initiator {
 public:
  Initiator(Party& party, std::uint64_t target) : party_(party), target_(target) {}

  void run() {
    for (unsigned round = 0; round < kRounds; ++round) {
      const std::uint64_t ticket = fetch(AtomicOperation::kSum, offsetof(Totals, tickets), 1);
      expect(round == 0 || ticket > last_, "tickets grow", static_cast<long long>(ticket));
      last_ = ticket;
      std::uint64_t one = 1;
      base(AtomicType::kUint64, offsetof(Totals, sum), &one, sizeof one);
      std::complex<double> turn(1, -2);
      base(AtomicType::kDoubleComplex, offsetof(Totals, wide), &turn, sizeof turn);
      base(AtomicType::kUint64, offsetof(Totals, odd) + 3, &one, sizeof one);
      swap_up();
    }
  }

 private:
  void carry_out(WorkType type, AtomicType datatype, AtomicOperation operation, std::size_t offset, void* operand,
                 void* compare, void* result, std::size_t length) {
    const iovec operands{operand, length}, compares{compare, length}, results{result, length};
    const RemoteTarget target{offset, length, kKey};
    Call call;
    const AtomicWork work{.remote = {.base = {.type = type,
                                              .flags = kWantCompletion,
                                              .segment_count = operation == AtomicOperation::kRead ? 0u : 1u,
                                              .segments = &operands,
                                              .length = length,
                                              .address = target_,
                                              .tag = 0,
                                              .ignore = 0,
                                              .data = 0,
                                              .context = &call},
                                     .target_count = 1,
                                     .targets = &target},
                          .type = datatype,
                          .operation = operation,
                          .compare_count = compare != nullptr ? 1u : 0u,
                          .result_count = result != nullptr ? 1u : 0u,
                          .compares = &compares,
                          .results = &results};
    int error;
    const Deadline deadline(60);
    while ((error = party_.endpoint().submit_atomic(work)) == -EAGAIN && !deadline.expired())
      if (party_.poll() == 0) sched_yield();
    if (expect(error == 0, "an operation is taken", error) && expect(party_.wait(call, 60), "an operation ends"))
      expect(call.error == 0, "an operation succeeds", call.error);
  }

  void base(AtomicType type, std::size_t offset, void* operand, std::size_t length) {
    carry_out(WorkType::kAtomic, type, AtomicOperation::kSum, offset, operand, nullptr, nullptr, length);
  }
  std::uint64_t fetch(AtomicOperation operation, std::size_t offset, std::uint64_t operand) {
    std::uint64_t result = 0;
    carry_out(WorkType::kFetchAtomic, AtomicType::kUint64, operation, offset, &operand, nullptr, &result, 8);
    return result;
  }
  void swap_up() {
    std::uint64_t seen = fetch(AtomicOperation::kRead, offsetof(Totals, swapped), 0);
    for (;;) {
      std::uint64_t next = seen + 1, result = 0;
      carry_out(WorkType::kCompareAtomic, AtomicType::kUint64, AtomicOperation::kSwapIfEqual, offsetof(Totals, swapped),
                &next, &seen, &result, 8);
      if (result == seen) return;
      seen = result;
    }
  }

  Party& party_;
  const std::uint64_t target_;
  std::uint64_t last_ = 0;
};

// Who has done its part goes on making progress for the others.
void contend(Party& party, std::uint64_t target, std::atomic<unsigned>& running) {
  Initiator(party, target).run();
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
