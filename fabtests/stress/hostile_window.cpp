// SPDX-License-Identifier: BSD-2-Clause
// A window of four hosts on one machine, of which one is hostile: its endpoints misbehave; it writes garbage into its
// own partition, which the others read, and into what it tells them; at last anywhere in another host's partition, too.
// Nobody may crash or stand still, and hosts whose own partitions are left alone go on talking, completely and right.
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dma/window_device.h"
#include "fight.h"

namespace anchor::stress {
namespace {

constexpr unsigned kHosts = 4;
constexpr std::size_t kPartition = std::size_t{8} << 20;
constexpr unsigned kVandal = 1;          // host
constexpr std::size_t kUsed = 1u << 20;  // of a partition: all that so few endpoints have
constexpr unsigned kDeeds = 1500;
constexpr unsigned kRebirths = 8;
constexpr unsigned kStrikes = 1000;  // each at many words

// The window's memory, and a configuration for each host.
class Place {
 public:
  Place() {
    char path[] = "/dev/shm/hostile-window-XXXXXX";
    folder_ = mkdtemp(path);
    std::ofstream(folder_ + "/memory").flush();
    expect(truncate((folder_ + "/memory").c_str(), kHosts * kPartition) == 0, "there is room for a window");
    for (unsigned host = 0; host < kHosts; ++host)
      std::ofstream(configuration(host)) << "path = " << folder_ << "/memory\nhosts = " << kHosts << "\nhost = " << host
                                         << "\ntimeout = 10000\n";
  }
  ~Place() { std::filesystem::remove_all(folder_); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  // `life`: another one for a host that begins anew, since it has lost the files of its own.
  std::unique_ptr<WindowDevice> device(unsigned host, unsigned life = 0) const {
    const std::string own = folder_ + "/own-" + std::to_string(host) + "-" + std::to_string(life);
    std::filesystem::create_directories(own);
    return WindowDevice::open({configuration(host), own});
  }
  std::string memory() const { return folder_ + "/memory"; }

 private:
  std::string configuration(unsigned host) const { return folder_ + "/host" + std::to_string(host); }

  std::string folder_;
};

// Random words at places of the window.
class Scribbler {
 public:
  Scribbler(const Place& place, fabtests::Random& random) : random_(random) {
    const int file = open(place.memory().c_str(), O_RDWR);
    void* mapped = mmap(nullptr, kHosts * kPartition, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    base_ = static_cast<std::byte*>(mapped);
  }
  ~Scribbler() { munmap(base_, kHosts * kPartition); }
  Scribbler(const Scribbler&) = delete;
  Scribbler& operator=(const Scribbler&) = delete;

  // Half of the words among the tables, half where endpoints lie.
  void spoil_partition(unsigned host) {
    for (unsigned i = 0; i < 32; ++i)
      spoil(host * kPartition + random_.below(i % 2 == 0 ? data_offset(kHosts) : kUsed));
  }
  // What the vandal tells the other hosts.
  void spoil_words_to(unsigned host) {
    for (unsigned i = 0; i < 8; ++i)
      spoil(host * kPartition + kNeighboursOffset + kVandal * kPageSize +
            random_.below(i % 2 == 0 ? 64 : sizeof(NeighbourPage)));
  }
  // As after a loss of power: whose partition it is sets it up again.
  void clear_header(unsigned host) {
    for (std::size_t i = 0; i < sizeof(PartitionHeader); i += 8) word(host * kPartition + i).store(0);
  }

 private:
  WindowWord& word(std::size_t offset) { return reinterpret_cast<WindowWord*>(base_)[offset / 8]; }
  void spoil(std::size_t offset) {
    if (random_.one_in(4)) {
      word(offset).fetch_add(1);
    } else {
      word(offset).store(random_.next() >> random_.below(64));
    }
  }

  fabtests::Random& random_;
  std::byte* base_;
};

// An endpoint of a host that means no harm.
struct Part {
  const char* name;
  unsigned host;
  const char* talks_to;  // strictly; or nobody
  std::atomic<std::uint64_t>* beats;
  bool counts_trips;
};

void take_part(Arena& arena, const Place& place, const Part& part) {
  const auto device = place.device(part.host);
  if (!expect(device != nullptr, "the window opens")) return;
  Party party(*device, fight_settings());
  expect(party.open(name_of(part.name)) == 0, "an endpoint opens");
  std::optional<Talk> talk;
  if (part.talks_to != nullptr) talk.emplace(party, party.meet(name_of(part.talks_to)), true);
  std::vector<std::unique_ptr<Prey>> prey;
  for (unsigned i = 0; i < kRogueNames; ++i) {
    const std::uint64_t rogue = party.meet(name_of("rogue", i));
    for (const std::size_t length : {std::size_t{100}, std::size_t{100'000}})
      prey.push_back(std::make_unique<Prey>(party, rogue, length));
    prey.push_back(std::make_unique<Prey>(party, rogue, 100'000, device->for_applications()));
  }
  while (!arena.over) {
    if (party.poll() == 0) sched_yield();
    if (talk) {
      const std::uint64_t trips = talk->turn();
      if (part.counts_trips) arena.trips = trips;
      if (part.counts_trips && trips == 10) arena.ready = true;
    }
    for (std::size_t i = 0; i < prey.size(); ++i) prey[i]->turn(static_cast<unsigned>(i % 4));
    ++*part.beats;
  }
}

void await_ready(const Arena& arena) {
  while (!arena.ready && !arena.over) sched_yield();
}

// Connects again and again, and says what it likes.
void be_rogue(Arena& arena, const Place& place) {
  const auto device = place.device(kVandal);
  fabtests::Random random(seed());
  await_ready(arena);
  const Deadline deadline(25);
  while (arena.deeds < kDeeds && !deadline.expired() && !arena.over) {
    Rogue rogue(*device, name_of("rogue", static_cast<unsigned>(random.below(kRogueNames))));
    const auto deed = random.one_in(2) ? &Corruption::commit : &Corruption::commit_placing;
    if (misbehave(rogue, arena, random, deed)) wait_for_beats(arena, 2);
  }
  expect_more_trips(arena);
  arena.over = true;
}

// A host that writes what it likes where it may, and begins anew each time, as if it had been booted. `everywhere`: the
// victim's partition is not spared.
void be_vandal(Arena& arena, const Place& place, bool everywhere) {
  fabtests::Random random(seed(), 7);
  Scribbler scribbler(place, random);
  await_ready(arena);
  unsigned connections = 0;
  for (unsigned life = 0; life < kRebirths && !arena.over; ++life) {
    scribbler.clear_header(kVandal);
    if (everywhere && life > 0) scribbler.clear_header(0);  // else it may say that configurations do not agree
    const auto device = place.device(kVandal, life);
    if (!expect(device != nullptr, "a partition without a header is set up again")) break;
    Rogue rogue(*device, name_of("rogue", life % kRogueNames));
    connections += misbehave(rogue, arena, random);
    for (unsigned strike = 0; strike < kStrikes; ++strike) {
      scribbler.spoil_partition(kVandal);
      for (unsigned host = 0; host < kHosts; ++host)
        if (host != kVandal) scribbler.spoil_words_to(host);
      if (everywhere) scribbler.spoil_partition(0);
      arena.deeds += 32;
      if (random.one_in(8)) wait_for_beats(arena, 1);
    }
  }
  std::printf("# %u of %u times connected\n", connections, kRebirths);
  expect(connections > 0, "the victim has taken the bait", connections);
  expect_more_trips(arena);
  arena.over = true;
}

void fight(const std::function<void(Arena&, const Place&)>& hostile, bool victim_is_spared) {
  const Place place;
  Arena& arena = new_arena();
  std::vector<Part> parts = {{"victim", 0, "honest", &arena.victim_beats, true},
                             {"honest", 2, "victim", &arena.honest_beats, false}};
  if (!victim_is_spared)
    parts = {{"victim", 0, nullptr, &arena.victim_beats, false},
             {"left", 2, "right", &arena.honest_beats, true},
             {"right", 3, "left", &arena.honest_beats, false}};
  std::vector<pid_t> children;
  for (const Part& part : parts) children.push_back(start([&] { take_part(arena, place, part); }));
  children.push_back(start([&] { hostile(arena, place); }));
  watch(arena, children);
  std::printf("# %llu corruptions, %llu honest round trips\n", static_cast<unsigned long long>(arena.deeds),
              static_cast<unsigned long long>(arena.trips));
  expect(arena.deeds >= 1000, "enough was done", static_cast<long long>(arena.deeds));
}

}  // namespace
}  // namespace anchor::stress

int main() {
  using namespace anchor::stress;
  Verdicts verdicts;
  verdicts.run("a hostile peer of another host harms its own connection only", [] { fight(be_rogue, true); });
  verdicts.run("a host that writes garbage into its own partition harms nobody else",
               [] { fight([](Arena& arena, const Place& place) { be_vandal(arena, place, false); }, true); });
  verdicts.run("hosts go on whatever is written into the partitions of others",
               [] { fight([](Arena& arena, const Place& place) { be_vandal(arena, place, true); }, false); });
  return verdicts.finish();
}
