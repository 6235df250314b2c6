// SPDX-License-Identifier: BSD-2-Clause
// Three processes: a victim, an honest endpoint that exchanges messages with it, and a hostile process of the same
// user that connects again and again, misbehaves, cuts files short, replaces them, and at last writes anywhere in the
// others' regions. Nobody may crash or stand still; while only the hostile one's own connection is its prey, the honest
// traffic is complete and right.
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "dma/shm_device.h"
#include "dma/shm_region.h"
#include "fight.h"

namespace anchor::stress {
namespace {

constexpr unsigned kDeeds = 4000;
constexpr unsigned kStrikes = 400;  // each at many words
constexpr const char* kDirectory = "/dev/shm";

// Memory of an honest one that all may reach for, until its party is closed.
class Lent {
 public:
  explicit Lent(Party& party) {
    region_.key = 1;
    region_.rights = kRemoteRead | kRemoteWrite;
    region_.segment_count = 1;
    region_.segments[0] = {bytes_.data(), bytes_.size()};
    expect(party.memory().reserve(&region_) == 0 && party.memory().enable(&region_) == 0, "memory is registered");
  }
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;

 private:
  std::vector<std::byte> bytes_ = std::vector<std::byte>(100'000);
  MemoryRegion region_;
};

void be_victim(Arena& arena, bool strict) {
  ShmDevice device{ShmSettings{}};
  auto own = std::make_unique<Party>(device, fight_settings());
  Party& party = *own;
  expect(party.open(name_of("victim")) == 0, "the victim opens");
  Talk talk(party, party.meet(name_of("honest")), strict);
  std::vector<std::unique_ptr<Prey>> prey;
  for (unsigned i = 0; i < kRogueNames; ++i)
    for (const std::size_t length : {std::size_t{100}, std::size_t{100'000}})
      prey.push_back(std::make_unique<Prey>(party, party.meet(name_of("rogue", i)), length));
  std::vector<std::unique_ptr<Reach>> reaches;
  for (unsigned i = 0; i < kRogueNames; ++i)
    reaches.push_back(std::make_unique<Reach>(party, party.meet(name_of("rogue", i)), true));
  const Lent lent(party);
  // Of an honest one whose table says anything we read only: it says where in that one's memory.
  reaches.push_back(std::make_unique<Reach>(party, party.meet(name_of("honest")), strict));
  while (!arena.over) {
    if (party.poll() == 0) sched_yield();
    for (const std::unique_ptr<Reach>& reach : reaches) reach->turn();
    arena.trips = talk.turn();
    if (arena.trips == 10) arena.ready = true;
    for (std::size_t i = 0; i < prey.size(); ++i) prey[i]->turn(static_cast<unsigned>(i % 4));
    ++arena.victim_beats;
  }
  own.reset();  // before the memory that is used till then
}

void be_honest(Arena& arena, bool strict) {
  ShmDevice device{ShmSettings{}};
  auto own = std::make_unique<Party>(device, fight_settings());
  Party& party = *own;
  expect(party.open(name_of("honest")) == 0, "the honest one opens");
  Talk talk(party, party.meet(name_of("victim")), strict);
  const Lent lent(party);
  Reach reach(party, party.meet(name_of("victim")), strict);
  while (!arena.over) {
    if (party.poll() == 0) sched_yield();
    reach.turn();
    talk.turn();
    ++arena.honest_beats;
  }
  own.reset();
}

void spoil_own_file(const Rogue& rogue, fabtests::Random& random) {
  const std::string path = region_path(kDirectory, rogue.name());
  if (random.one_in(2)) {
    static_cast<void>(truncate(path.c_str(), static_cast<off_t>(random.below(20) * 512)));
  } else {
    unlink(path.c_str());
    const int fd = open(path.c_str(), O_CREAT | O_RDWR, 0600);
    static_cast<void>(ftruncate(fd, static_cast<off_t>(random.below(20) * kPageSize)));
    close(fd);
  }
}

void misbehave_once(Arena& arena, Device& device, fabtests::Random& random) {
  Rogue rogue(device, name_of("rogue", static_cast<unsigned>(random.below(kRogueNames))));
  if (!misbehave(rogue, arena, random)) return;
  if (random.one_in(4)) spoil_own_file(rogue, random);
  wait_for_beats(arena, 2);
}

void be_rogue(Arena& arena) {
  ShmDevice device{ShmSettings{}};
  fabtests::Random random(seed());
  while (!arena.ready) sched_yield();
  const Deadline deadline(25);
  while (arena.deeds < kDeeds && !deadline.expired()) misbehave_once(arena, device, random);
  expect_more_trips(arena);
  for (unsigned i = 0; i < kRogueNames; ++i)
    unlink(region_path(kDirectory, EndpointName::from(name_of("rogue", i))).c_str());
  arena.over = true;
}

// Writes anywhere in the region of `name`, then cuts it short or takes its name away.
void strike_region(const std::string& name, Arena& arena, fabtests::Random& random) {
  const std::string path = region_path(kDirectory, EndpointName::from(name));
  const int fd = open(path.c_str(), O_RDWR);
  if (!expect(fd >= 0, "a region is there")) return;
  struct stat status {};
  fstat(fd, &status);
  const auto size = static_cast<std::size_t>(status.st_size);
  void* mapped = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  auto* words = static_cast<SharedWord*>(mapped);
  for (unsigned strike = 0; strike < kStrikes; ++strike) {
    for (unsigned i = 0; i < 32; ++i) words[random.below(size / 8)].store(random.next() >> random.below(64));
    for (unsigned i = 0; i < 32; ++i) words[random.below(size / 8)].fetch_add(1);
    arena.deeds += 64;
    if (random.one_in(8)) wait_for_beats(arena, 1);
  }
  munmap(mapped, size);
  if (random.one_in(2)) unlink(path.c_str());
  expect(ftruncate(fd, static_cast<off_t>(random.below(size))) == 0, "a region can be cut");
  close(fd);
}

void be_vandal(Arena& arena) {
  fabtests::Random random(seed(), 7);
  while (!arena.ready) sched_yield();
  strike_region(name_of("victim"), arena, random);
  strike_region(name_of("honest"), arena, random);
  wait_for_beats(arena, 20);
  arena.over = true;
}

void fight(bool strict) {
  Arena& arena = new_arena();
  watch(arena, {start([&] { be_victim(arena, strict); }), start([&] { be_honest(arena, strict); }),
                start([&] { strict ? be_rogue(arena) : be_vandal(arena); })});
  std::printf("# %llu corruptions, %llu honest round trips\n", static_cast<unsigned long long>(arena.deeds),
              static_cast<unsigned long long>(arena.trips));
  expect(arena.deeds >= 1000, "enough was done", static_cast<long long>(arena.deeds));
}

}  // namespace
}  // namespace anchor::stress

int main() {
  anchor::stress::Verdicts verdicts;
  verdicts.run("a hostile peer harms its own connection only", [] { anchor::stress::fight(true); });
  verdicts.run("nobody crashes whatever is written anywhere", [] { anchor::stress::fight(false); });
  return verdicts.finish();
}
