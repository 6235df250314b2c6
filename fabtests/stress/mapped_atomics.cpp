// SPDX-License-Identifier: BSD-2-Clause
// Memory that several processes have mapped, and each of them registered: whichever of them carries an operation out,
// and whatever they do there by instructions of their own, totals tell that nothing was lost. So it is for what an
// instruction can change, which is all that is tried here; of the rest each process knows only its own.
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <array>
#include <atomic>
#include <new>
#include <vector>

#include "contender.h"
#include "dma/shm_device.h"
#include "fight.h"

namespace anchor::stress {
namespace {

constexpr unsigned kProcesses = 3;
constexpr unsigned kRounds = 3000;
constexpr std::uint64_t kKey = 7;
constexpr std::size_t kMany = 512;  // so that operations of several processes are under way at once

struct Totals {
  alignas(64) std::array<std::uint64_t, kMany> sums{};
  alignas(64) std::uint64_t tickets = 0;
  alignas(64) std::uint64_t swapped = 0;
  alignas(64) double real = 0;
  // Two numbers and a byte in one word: neighbours are left alone.
  std::uint32_t small = 0;
  std::uint16_t smaller = 0;
  std::uint8_t smallest = 0;
};

struct Shared {
  Totals totals;
  std::atomic<unsigned> open{0}, done{0};
};

// A process of its own. Its party serves the others to the end.
class Member {
 public:
  Member(Shared& shared, unsigned number) : shared_(shared), number_(number), party_(device_, EndpointSettings{}) {}

  void run() {
    MemoryRegion region;
    region.key = kKey;
    region.rights = kRemoteRead | kRemoteWrite;
    region.segment_count = 1;
    region.segments[0] = {&shared_.totals, sizeof shared_.totals};
    expect(party_.memory().reserve(&region) == 0 && party_.memory().enable(&region) == 0, "memory is registered");
    expect(party_.open(name_of("mapped", number_)) == 0, "a member opens");
    attend_until(shared_.open);
    for (unsigned i = 0; i < kProcesses; ++i) ways_.emplace_back(party_, party_.meet(name_of("mapped", i)), kKey);
    for (unsigned round = 0; round < kRounds; ++round) change_all(round);
    attend_until(shared_.done);
    party_.memory().remove(&region);
  }

 private:
  static std::array<std::uint64_t, kMany> filled_with_ones() {
    std::array<std::uint64_t, kMany> ones;
    ones.fill(1);
    return ones;
  }

  // Each time by another's hands, its own among them.
  void change_all(unsigned round) {
    Contender& way = ways_[(round + number_) % kProcesses];
    const std::uint64_t ticket = way.fetch(AtomicOperation::kSum, offsetof(Totals, tickets), 1);
    expect(round == 0 || ticket > last_, "tickets grow", static_cast<long long>(ticket));
    last_ = ticket;
    way.add(AtomicType::kUint64, offsetof(Totals, sums), ones_);
    way.add(AtomicType::kDouble, offsetof(Totals, real), std::array{0.5});
    way.add(AtomicType::kUint32, offsetof(Totals, small), std::array{std::uint32_t{1}});
    way.add(AtomicType::kUint16, offsetof(Totals, smaller), std::array{std::uint16_t{1}});
    way.add(AtomicType::kUint8, offsetof(Totals, smallest), std::array{std::uint8_t{1}});
    way.swap_up(offsetof(Totals, swapped));
    for (std::uint64_t& sum : shared_.totals.sums) __atomic_fetch_add(&sum, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&shared_.totals.smallest, 1, __ATOMIC_RELAXED);
  }

  void attend_until(std::atomic<unsigned>& all) {
    all.fetch_add(1);
    const Deadline deadline(120);
    while (all.load() != kProcesses && !deadline.expired())
      if (party_.poll() == 0) sched_yield();
  }

  Shared& shared_;
  const unsigned number_;
  ShmDevice device_{ShmSettings{}};
  Party party_;
  std::vector<Contender> ways_;
  std::array<std::uint64_t, kMany> ones_ = filled_with_ones();
  std::uint64_t last_ = 0;
};

void processes_change_mapped_memory() {
  void* const memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (!expect(memory != MAP_FAILED, "there is memory")) return;
  auto& shared = *new (memory) Shared;
  std::vector<pid_t> members;
  for (unsigned i = 0; i < kProcesses; ++i) members.push_back(start([&] { Member(shared, i).run(); }));
  for (const pid_t member : members) {
    int status = 0;
    expect(waitpid(member, &status, 0) == member && WIFEXITED(status) && WEXITSTATUS(status) == 0, "a member ends well",
           status);
  }
  constexpr std::uint64_t kTotal = std::uint64_t{kProcesses} * kRounds;
  const Totals& totals = shared.totals;
  for (const std::uint64_t sum : totals.sums) expect(sum == 2 * kTotal, "a sum", static_cast<long long>(sum));
  expect(totals.tickets == kTotal, "the tickets", static_cast<long long>(totals.tickets));
  expect(totals.swapped == kTotal, "what was swapped", static_cast<long long>(totals.swapped));
  expect(totals.real == 0.5 * static_cast<double>(kTotal), "the sum of halves");
  expect(totals.small == kTotal, "the sum of 32 bits", totals.small);
  expect(totals.smaller == static_cast<std::uint16_t>(kTotal), "the sum of 16 bits", totals.smaller);
  expect(totals.smallest == static_cast<std::uint8_t>(2 * kTotal), "the sum of 8 bits", totals.smallest);
  munmap(memory, sizeof(Shared));
}

}  // namespace
}  // namespace anchor::stress

int main() {
  anchor::stress::Verdicts verdicts;
  verdicts.run("three processes, one memory that all have mapped", anchor::stress::processes_change_mapped_memory);
  return verdicts.finish();
}
