// SPDX-License-Identifier: BSD-2-Clause
// Three processes: a victim, an honest endpoint that exchanges messages with it, and a hostile process of the same
// user that connects again and again, misbehaves, cuts files short, replaces them, and at last writes anywhere in the
// others' regions. Nobody may crash or stand still; while only the hostile one's own connection is its prey, the honest
// traffic is complete and right.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "corruption.h"
#include "dma/shm_device.h"
#include "dma/shm_region.h"
#include "party.h"
#include "rogue.h"
#include "verdicts.h"

namespace anchor::stress {
namespace {

constexpr unsigned kDeeds = 4000;
constexpr unsigned kDeedsEach = 40;
constexpr unsigned kRogueNames = 3;
constexpr unsigned kStrikes = 400;  // each at many words
constexpr std::uint64_t kHonestTag = 0x486f6e657374;
constexpr double kStandstill = 20;
constexpr const char* kDirectory = "/dev/shm";

// Shared by the three and their parent.
struct Arena {
  std::atomic<std::uint64_t> deeds{0}, victim_beats{0}, honest_beats{0}, trips{0};
  std::atomic<bool> ready{false}, over{false};
};

std::string name_of(const char* role, unsigned number = 0) {
  return "anchor://hostile-" + std::to_string(getppid()) + "-" + role + std::to_string(number);
}

EndpointSettings settings() {
  EndpointSettings chosen;
  chosen.locked = false;
  chosen.directed_receive = true;
  chosen.unexpected_limit = 1u << 20;
  chosen.connect_timeout = Milliseconds(200);
  chosen.liveness_interval = Milliseconds(5);
  return chosen;
}

// Messages to and from whoever is there, without any expectation: their buffers are the heap's, so that an address
// sanitizer sees what goes beyond them.
class Prey {
 public:
  Prey(Party& party, std::uint64_t peer, std::size_t length) : party_(party), peer_(peer), bytes_(length) {
    sent_.done = received_.done = true;
  }

  void turn(unsigned tag) {
    if (received_.done) {
      received_.done = false;
      party_.receive({.bytes = bytes_.data(), .length = bytes_.size(), .tag = tag}, &received_);
    }
    if (!sent_.done) return;
    sent_.done = false;
    const std::uint32_t flags = kWantCompletion | (tag % 2 == 0 ? kDeliveryComplete : 0u);
    if (party_.send({.bytes = bytes_.data(), .length = bytes_.size(), .address = peer_, .flags = flags}, &sent_) != 0)
      sent_.done = true;
  }

 private:
  Party& party_;
  const std::uint64_t peer_;
  std::vector<std::byte> bytes_;
  Call sent_, received_;
};

// Sends and receives one message in turn with the peer, checked when `strict`.
class Talk {
 public:
  Talk(Party& party, std::uint64_t peer, bool strict) : party_(party), peer_(peer), strict_(strict) {}

  // Completed round trips.
  std::uint64_t turn() {
    if (started_ && !(sent_.done && received_.done)) return trips_;
    if (started_) end();
    begin();
    return trips_;
  }

 private:
  void begin() {
    started_ = true;
    length_ = kLengths[trips_ % std::size(kLengths)];
    sent_.done = received_.done = false;
    fill(out_.data(), length_, trips_);
    party_.receive({.bytes = in_.data(), .length = in_.size(), .address = peer_, .tag = kHonestTag}, &received_);
    party_.send({.bytes = out_.data(), .length = length_, .address = peer_, .tag = kHonestTag}, &sent_);
  }

  void end() {
    const bool right = sent_.error == 0 && received_.error == 0 && received_.length == length_ &&
                       is_filled(in_.data(), length_, trips_);
    if (strict_) expect(right, "honest traffic is right", static_cast<long long>(trips_));
    ++trips_;
  }

  static constexpr std::size_t kLengths[] = {8, 5000, 40, 30'000, 41};
  Party& party_;
  const std::uint64_t peer_;
  const bool strict_;
  bool started_ = false;
  std::uint64_t trips_ = 0;
  std::size_t length_ = 0;
  std::vector<std::byte> out_ = std::vector<std::byte>(30'000), in_ = std::vector<std::byte>(30'000);
  Call sent_, received_;
};

void be_victim(Arena& arena, bool strict) {
  ShmDevice device{ShmSettings{}};
  Party party(device, settings());
  expect(party.open(name_of("victim")) == 0, "the victim opens");
  Talk talk(party, party.meet(name_of("honest")), strict);
  std::vector<std::unique_ptr<Prey>> prey;
  for (unsigned i = 0; i < kRogueNames; ++i)
    for (const std::size_t length : {std::size_t{100}, std::size_t{100'000}})
      prey.push_back(std::make_unique<Prey>(party, party.meet(name_of("rogue", i)), length));
  while (!arena.over) {
    if (party.poll() == 0) sched_yield();
    arena.trips = talk.turn();
    if (arena.trips == 10) arena.ready = true;
    for (std::size_t i = 0; i < prey.size(); ++i) prey[i]->turn(static_cast<unsigned>(i % 4));
    ++arena.victim_beats;
  }
}

void be_honest(Arena& arena, bool strict) {
  ShmDevice device{ShmSettings{}};
  Party party(device, settings());
  expect(party.open(name_of("honest")) == 0, "the honest one opens");
  Talk talk(party, party.meet(name_of("victim")), strict);
  while (!arena.over) {
    if (party.poll() == 0) sched_yield();
    talk.turn();
    ++arena.honest_beats;
  }
}

// Lets the victim meet what was done to it.
void wait_for_beats(const Arena& arena, std::uint64_t count) {
  const Deadline deadline(1);
  const std::uint64_t before = arena.victim_beats;
  while (arena.victim_beats < before + count && !deadline.expired()) sched_yield();
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
  if (rogue.open() != 0 || rogue.find(name_of("victim")) != 0 || rogue.ask() != 0) return;
  const Deadline deadline(0.5);
  while (!rogue.connected() && !deadline.expired()) sched_yield();
  if (!rogue.connected()) return;
  Corruption corruption(rogue, random);
  for (unsigned i = 0; i < kDeedsEach; ++i) {
    corruption.commit();
    ++arena.deeds;
    if (random.one_in(4)) wait_for_beats(arena, 1);
  }
  if (random.one_in(4)) spoil_own_file(rogue, random);
  wait_for_beats(arena, 2);
}

void be_rogue(Arena& arena) {
  ShmDevice device{ShmSettings{}};
  fabtests::Random random(seed());
  while (!arena.ready) sched_yield();
  const Deadline deadline(25);
  while (arena.deeds < kDeeds && !deadline.expired()) misbehave_once(arena, device, random);
  const std::uint64_t trips = arena.trips;
  const Deadline patience(20);
  while (arena.trips < trips + 5 && !patience.expired()) sched_yield();
  expect(arena.trips >= trips + 5, "honest traffic goes on to the end");
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

template <class Role>
pid_t start(Role&& role) {
  const pid_t child = fork();
  if (child != 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  role();
  _exit(Verdicts::exit_status());
}

// Waits for the three. One that neither ends nor beats is killed and has failed.
void watch(Arena& arena, std::array<pid_t, 3> children) {
  std::uint64_t victim = 0, honest = 0;
  auto standstill = std::make_unique<Deadline>(kStandstill);
  for (std::size_t left = children.size(); left != 0;) {
    for (pid_t& child : children) {
      int status;
      if (child == 0 || waitpid(child, &status, WNOHANG) != child) continue;
      expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a process ends well", status);
      arena.over = true;
      child = 0;
      --left;
    }
    if (arena.victim_beats != victim && arena.honest_beats != honest) {
      victim = arena.victim_beats;
      honest = arena.honest_beats;
      standstill = std::make_unique<Deadline>(kStandstill);
    } else if (!expect(!standstill->expired(), "nobody stands still")) {
      for (const pid_t child : children)
        if (child != 0) kill(child, SIGKILL);
    }
    usleep(2000);
  }
}

void fight(bool strict) {
  void* memory = mmap(nullptr, sizeof(Arena), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  auto& arena = *new (memory) Arena;
  watch(arena, {start([&] { be_victim(arena, strict); }), start([&] { be_honest(arena, strict); }),
                start([&] { strict ? be_rogue(arena) : be_vandal(arena); })});
  std::printf("# %llu corruptions, %llu honest round trips\n", static_cast<unsigned long long>(arena.deeds),
              static_cast<unsigned long long>(arena.trips));
  expect(arena.deeds >= 1000, "enough was done", static_cast<long long>(arena.deeds));
  munmap(memory, sizeof(Arena));
}

}  // namespace
}  // namespace anchor::stress

int main() {
  anchor::stress::Verdicts verdicts;
  verdicts.run("a hostile peer harms its own connection only", [] { anchor::stress::fight(true); });
  verdicts.run("nobody crashes whatever is written anywhere", [] { anchor::stress::fight(false); });
  return verdicts.finish();
}
