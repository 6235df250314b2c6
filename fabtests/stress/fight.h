// SPDX-License-Identifier: BSD-2-Clause
// Processes that talk while one of them is hostile: what each does in turn, and who watches them.
//
// Everything here belongs to one thread, but for the Arena, which all processes share.
#pragma once

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "common/random.h"
#include "corruption.h"
#include "dma/device_memory.h"
#include "party.h"
#include "rogue.h"
#include "verdicts.h"

namespace anchor::stress {

inline constexpr unsigned kDeedsEach = 40;  // of a rogue, before it begins anew under another name
inline constexpr unsigned kRogueNames = 3;
inline constexpr std::uint64_t kHonestTag = 0x486f6e657374;

// Shared by all and their parent.
struct Arena {
  std::atomic<std::uint64_t> deeds{0}, victim_beats{0}, honest_beats{0}, trips{0};
  std::atomic<bool> ready{false}, over{false};
};

std::string name_of(const char* role, unsigned number = 0);
EndpointSettings fight_settings();

// Messages to and from whoever is there, without any expectation: their buffers are the heap's, so that an address
// sanitizer sees what goes beyond them, or of the device's `memory`.
class Prey {
 public:
  Prey(Party& party, std::uint64_t peer, std::size_t length, DeviceMemory* memory = nullptr)
      : party_(party), peer_(peer), length_(length), heap_(memory == nullptr ? length : 0), bytes_(heap_.data()) {
    sent_.done = received_.done = true;
    if (memory != nullptr) expect(memory->allocate(length, &bytes_) == 0, "there is room in the device");
  }

  void turn(unsigned tag) {
    if (received_.done) {
      received_.done = false;
      party_.receive({.bytes = bytes_, .length = length_, .tag = tag}, &received_);
    }
    if (!sent_.done) return;
    sent_.done = false;
    const std::uint32_t flags = kWantCompletion | (tag % 2 == 0 ? kDeliveryComplete : 0u);
    if (party_.send({.bytes = bytes_, .length = length_, .address = peer_, .flags = flags}, &sent_) != 0)
      sent_.done = true;
  }

 private:
  Party& party_;
  const std::uint64_t peer_;
  const std::size_t length_;
  std::vector<std::byte> heap_;
  std::byte* bytes_;
  Call sent_, received_;
};

// Reads, and writes if it `may`, of the memory of whoever is there, without any expectation but that they end.
class Reach {
 public:
  Reach(Party& party, std::uint64_t peer, bool may_write)
      : party_(party), peer_(peer), may_write_(may_write), random_(seed(), peer) {
    call_.done = true;
  }

  void turn() {
    if (!call_.done) return;
    call_.done = false;
    const WorkType type = may_write_ && random_.one_in(2) ? WorkType::kWrite : WorkType::kRead;
    const std::size_t length = random_.one_in(3) ? random_.between(1, bytes_.size()) : random_.between(1, 64);
    const Message piece{.bytes = bytes_.data(), .length = length, .address = peer_};
    if (party_.access(type, piece, random_.below(kWantedKeys), random_.one_in(2) ? 0 : random_.below(1000), &call_) !=
        0)
      call_.done = true;
  }

 private:
  Party& party_;
  const std::uint64_t peer_;
  const bool may_write_;
  fabtests::Random random_;
  std::vector<std::byte> bytes_ = std::vector<std::byte>(150'000);
  Call call_;
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

// Lets the victim meet what was done to it.
void wait_for_beats(const Arena& arena, std::uint64_t count);

// Connects to the victim and commits kDeedsEach deeds. False: there was no connection.
bool misbehave(Rogue& rogue, Arena& arena, fabtests::Random& random, void (Corruption::*deed)() = &Corruption::commit);

// Waits until the honest ones have made some trips more, whatever has been done before.
void expect_more_trips(const Arena& arena);

template <class Role>
pid_t start(Role&& role) {
  const pid_t child = fork();
  if (child != 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  role();
  _exit(Verdicts::exit_status());
}

// Waits for all of them. One that neither ends nor beats is killed and has failed.
void watch(Arena& arena, std::vector<pid_t> children);

// Memory for an Arena that children share; not given back.
Arena& new_arena();

}  // namespace anchor::stress
