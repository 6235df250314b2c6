// SPDX-License-Identifier: BSD-2-Clause
// Two endpoints that exchange messages of all lengths in both directions, each driven by a thread of its own and
// without locks: what orders their accesses is the FIFO's protocol and nothing else.
#include <sched.h>

#include <array>
#include <thread>
#include <vector>

#include "common/random.h"
#include "near_device.h"
#include "party.h"
#include "threads_sizes.h"
#include "verdicts.h"

namespace anchor::stress {
namespace {

constexpr unsigned kMessages = 400;
constexpr unsigned kWindow = 8;

struct Lane {
  std::vector<std::byte> bytes = std::vector<std::byte>(kLongest);
  Call call;
  std::size_t length = 0;
  std::uint64_t message = 0;
  bool busy = false;
};

// What one direction's messages are: known to both sides from the seed alone.
class Plan {
 public:
  Plan(unsigned direction) : random_(seed(), direction), direction_(direction) {}
  std::uint64_t next(std::size_t* length) noexcept {
    *length = any_length(random_);
    return std::uint64_t{direction_} << 32 | number_++;
  }
  bool over() const noexcept { return number_ == kMessages; }

 private:
  fabtests::Random random_;
  const unsigned direction_;
  unsigned number_ = 0;
};

void pause_at_random(fabtests::Random& random) {
  if (random.one_in(16)) sched_yield();
  if (random.one_in(64)) std::this_thread::sleep_for(std::chrono::microseconds(random.below(200)));
}

class Side {
 public:
  Side(Device& device, const EndpointSettings& settings, unsigned direction)
      : party_(device, settings), sends_(direction), receives_(1 - direction), random_(seed(), 2 + direction) {}

  bool open(const char* own, const char* peer) {
    const bool opened = expect(party_.open(own) == 0, "an endpoint opens");
    peer_ = party_.meet(peer);
    return opened;
  }

  void exchange() {
    const Deadline deadline(100);
    while (left_ != 0 && expect(!deadline.expired(), "all messages arrive", left_)) {
      party_.poll();
      for (Lane& lane : outgoing_) turn_outgoing(lane);
      for (Lane& lane : incoming_) turn_incoming(lane);
      pause_at_random(random_);
    }
  }

 private:
  void turn_outgoing(Lane& lane) {
    if (lane.busy && lane.call.done) end(lane, false);
    if (lane.busy || sends_.over()) return;
    start(lane, sends_);
    fill(lane.bytes.data(), lane.length, lane.message);
    expect(party_.send({.bytes = lane.bytes.data(), .length = lane.length, .address = peer_, .tag = lane.message},
                       &lane.call) == 0,
           "a send is taken");
  }

  void turn_incoming(Lane& lane) {
    if (lane.busy && lane.call.done) end(lane, true);
    if (lane.busy || receives_.over() || random_.one_in(4)) return;  // some messages come unexpectedly
    start(lane, receives_);
    expect(party_.receive({.bytes = lane.bytes.data(), .length = kLongest, .tag = lane.message}, &lane.call) == 0,
           "a receive is taken");
  }

  void start(Lane& lane, Plan& plan) {
    lane.busy = true;
    lane.call.done = false;
    lane.message = plan.next(&lane.length);
  }

  void end(Lane& lane, bool incoming) {
    lane.busy = false;
    --left_;
    expect(lane.call.error == 0, "a message goes well", lane.call.error);
    if (incoming)
      expect(lane.call.length == lane.length && is_filled(lane.bytes.data(), lane.length, lane.message),
             "what arrives is what was sent", static_cast<long long>(lane.message));
  }

  Party party_;
  std::uint64_t peer_ = 0;
  Plan sends_, receives_;
  fabtests::Random random_;
  std::array<Lane, kWindow> outgoing_, incoming_;
  unsigned left_ = 2 * kMessages;
};

void exchange_messages(bool direct_copy, std::uint32_t slots) {
  NearDevice device;
  EndpointSettings settings;
  settings.locked = false;
  settings.direct_copy = direct_copy;
  settings.fifo_slots = slots;
  Side left(device, settings, 0), right(device, settings, 1);
  if (!left.open("anchor://left", "anchor://right") || !right.open("anchor://right", "anchor://left")) return;
  std::thread other([&] { right.exchange(); });
  left.exchange();
  other.join();
}

}  // namespace
}  // namespace anchor::stress

int main() {
  using anchor::stress::exchange_messages;
  anchor::stress::Verdicts verdicts;
  verdicts.run("two endpoints exchange messages", [] { exchange_messages(true, 64); });
  verdicts.run("two endpoints exchange messages, nothing read directly", [] { exchange_messages(false, 64); });
  verdicts.run("two endpoints exchange messages through few slots", [] { exchange_messages(true, 16); });
  return verdicts.finish();
}
