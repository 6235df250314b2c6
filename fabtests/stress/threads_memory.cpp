// SPDX-License-Identifier: BSD-2-Clause
// Regions that come and go while a peer reads and writes them: what is let through lies in an open region, and nothing
// is touched once closing has returned.
//
// Three threads: the initiator's, the target's progress, and the target's application that registers and closes. All
// bytes go through the FIFO, so that ThreadSanitizer sees them move; the protection table is read across threads.
#include <sched.h>

#include <cerrno>
#include <thread>
#include <vector>

#include "common/random.h"
#include "near_device.h"
#include "party.h"
#include "verdicts.h"

namespace anchor::stress {
namespace {

constexpr std::uint64_t kKeys = 4;
constexpr unsigned kOperations = 3000;
constexpr std::size_t kLargest = 20'000;
constexpr std::byte kClosed{0xcc};

// Memory that is closed belongs to its application again, which sees whether anybody is at it.
struct Owned {
  MemoryRegion region;
  std::vector<std::byte> bytes = std::vector<std::byte>(kLargest, kClosed);

  void open(Party& party, std::uint64_t key) {
    region = MemoryRegion{};
    region.key = key;
    region.rights = kRemoteRead | kRemoteWrite;
    region.segment_count = 1;
    region.segments[0] = {bytes.data(), bytes.size()};
    expect(party.memory().reserve(&region) == 0 && party.memory().enable(&region) == 0, "a region is registered");
  }
  void close(Party& party) {
    party.memory().remove(&region);
    bytes.assign(bytes.size(), kClosed);
  }
  bool untouched() const {
    for (const std::byte byte : bytes)
      if (byte != kClosed) return false;
    return true;
  }
};

void come_and_go(Party& target, const std::atomic<bool>& done) {
  fabtests::Random random(seed(), 5);
  std::vector<Owned> all(kKeys);
  for (std::uint64_t key = 0; key < kKeys; ++key) all[key].open(target, key);
  while (!done) {
    const std::uint64_t key = random.below(kKeys);
    all[key].close(target);
    for (std::uint64_t i = random.below(50); i > 0; --i) sched_yield();
    expect(all[key].untouched(), "nobody is at memory that was closed");
    all[key].open(target, key);
  }
  for (Owned& each : all) each.close(target);
}

void use(Party& initiator, std::uint64_t target) {
  fabtests::Random random(seed(), 6);
  std::vector<std::byte> bytes(kLargest);
  unsigned done = 0, refused = 0;
  for (unsigned i = 0; i < kOperations; ++i) {
    const std::size_t length = random.one_in(4) ? random.between(1, kLargest) : random.between(1, 64);
    const WorkType type = random.one_in(2) ? WorkType::kRead : WorkType::kWrite;
    Call call;
    expect(initiator.access(type, {.bytes = bytes.data(), .length = length, .address = target}, random.below(kKeys), 0,
                            &call) == 0,
           "an operation is taken");
    if (!expect(initiator.wait(call), "it ends")) return;
    expect(call.error == 0 || call.error == EKEYREJECTED, "well or because the region is closed", call.error);
    (call.error == 0 ? done : refused) += 1;
  }
  std::printf("# %u succeeded, %u were refused\n", done, refused);
  expect(done != 0, "some succeed");
  expect(refused != 0, "some are refused");
}

void regions_under_fire() {
  NearDevice device;
  EndpointSettings settings;
  settings.direct_copy = false;
  Party initiator(device, settings), target(device, settings);
  if (!expect(initiator.open("anchor://initiator") == 0 && target.open("anchor://target") == 0, "both open")) return;
  std::atomic<bool> done{false};
  std::thread progress([&] {
    while (!done)
      if (target.poll() == 0) sched_yield();
  });
  std::thread owner([&] { come_and_go(target, done); });
  use(initiator, initiator.meet("anchor://target"));
  done = true;
  owner.join();
  progress.join();
}

}  // namespace
}  // namespace anchor::stress

int main() {
  anchor::stress::Verdicts verdicts;
  verdicts.run("regions come and go under a peer's reads and writes", [] { anchor::stress::regions_under_fire(); });
  return verdicts.finish();
}
