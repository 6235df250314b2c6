// SPDX-License-Identifier: BSD-2-Clause
#include "survivor.h"

#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <cstring>

#include "functional/victims.h"

namespace anchor::fabtests {

namespace {

constexpr std::uint64_t kEchoRequest = 3ull << 32;
constexpr std::uint64_t kEchoAnswer = 4ull << 32;
constexpr std::uint64_t kFarewell = 5ull << 32;
constexpr double kLongestTalk = 0.02;    // seconds until the kill; contact takes a part of it
constexpr double kConnectSeconds = 0.5;  // FI_ANCHOR_CONNECT_TIMEOUT of this program: for a victim that was not met

}  // namespace

Survivor::Survivor(Team& team, Node& node, fi_addr_t bystander)
    : node_(node), random_(team.seed(), 7), bystander_(bystander) {
  for (std::size_t i = 0; i < kInFlight; ++i) {
    slots_[i].sends = true;
    slots_[i].remote = i % 4 == 0;
  }
  REQUIRE_OK(fi_mr_reg(node.domain(), memory_.data() + kLargestMessage, kLargestMessage,
                       FI_REMOTE_READ | FI_REMOTE_WRITE, 0, kSurvivorKey, 0, region_.out(), nullptr));
}

bool Survivor::busy(bool sends) const {
  const auto counts = [sends](const Slot& slot) { return slot.busy && slot.sends == sends; };
  return counts(farewell_) || std::any_of(slots_.begin(), slots_.end(), counts);
}

void Survivor::start_all() {
  for (Slot& slot : slots_) {
    if (slot.busy) continue;
    ssize_t rc;
    if (slot.remote) {
      // Before the victim has registered its memory it refuses; that is an end, too.
      rc = reach(node_, random_, slot.buffer, address_, kVictimKey, &slot);
    } else if (slot.sends) {
      const std::size_t size = stress_size(random_);
      fill_pattern(slot.buffer.data(), size, number_);
      rc = fi_tsend(node_.ep(), slot.buffer.data(), size, nullptr, address_, kToVictim + number_, &slot);
    } else {
      rc = fi_trecv(node_.ep(), slot.buffer.data(), slot.buffer.size(), nullptr, address_, kFromVictim + number_, 0,
                    &slot);
    }
    slot.busy = rc == 0;
  }
}

// Keeps one request to the bystander outstanding at all times.
void Survivor::step() {
  if (!echo_outstanding_) {
    node_.submit([&] { return fi_trecv(node_.ep(), &answer_, 8, nullptr, bystander_, kEchoAnswer, 0, &answer_); });
    node_.submit([&] { return fi_tinject(node_.ep(), &echo_, 8, bystander_, kEchoRequest); });
    echo_outstanding_ = true;
  }
  progress();
}

void Survivor::progress() {
  if (!node_.progress()) sched_yield();
  while (!node_.sends().empty()) take(node_.sends().take());
  while (!node_.receives().empty()) take(node_.receives().take());
}

void Survivor::take(const Entry& entry) {
  if (entry.context == &answer_) {
    CHECK_EQ(entry.error, 0);
    CHECK_EQ(answer_, echo_++);
    echo_outstanding_ = false;
    return;
  }
  auto& slot = *static_cast<Slot*>(entry.context);
  CHECK(slot.busy);  // one end for each operation
  slot.busy = false;
  if (&slot == &farewell_) {
    CHECK(means_peer_lost(entry.error));
    return;
  }
  if (entry.error != 0) {
    ++errors_;
    return;
  }
  met_ = true;
  ++deliveries_;
  if (slot.sends) return;
  std::uint64_t round;
  std::memcpy(&round, slot.buffer.data(), sizeof(round));
  CHECK_EQ(round, number_);  // nothing from those who died before
  check_pattern(slot.buffer.data() + 8, entry.length - 8, number_);
}

void Survivor::talk_until(double seconds) {
  const Deadline talk(seconds / time_scale());
  while (!talk.expired()) {
    start_all();
    step();
  }
}

// A victim that died before it was found cannot be told from one that is late: our receives wait for it, rightly.
void Survivor::cancel_receives() {
  for (Slot& slot : slots_) {
    if (slot.busy && !slot.sends) fi_cancel(&node_.ep()->fid, &slot);
  }
}

// Too long to be sent before it is received, which it never is: it ends when the death is noticed, or the search for
// the victim given up. All else may have ended before; then what is sent to the next victim of that name would begin as
// sent to the dead one.
void Survivor::bid_farewell() {
  if (farewell_.busy) return;
  const ssize_t rc =
      fi_tsend(node_.ep(), farewell_.buffer.data(), kLargestMessage, nullptr, address_, kFarewell, &farewell_);
  REQUIRE(rc == 0 || means_peer_lost(static_cast<int>(-rc)));
  farewell_.busy = rc == 0;
}

void Survivor::report_busy(const Slot& slot) const {
  if (!slot.busy) return;
  const char* kind = slot.remote ? "remote access" : slot.sends ? "send" : "receive";
  if (&slot == &farewell_) kind = "farewell";
  note_failure(FABTESTS_PLACE, "round " + std::to_string(number_) + ": a " + kind + " never ended" +
                                   (met_ ? "" : "; the victim was not met"));
}

void Survivor::await_ends(double limit) {
  const Deadline clock(60);
  const std::uint64_t echoes = echo_;
  while (busy(true) || busy(false)) {
    step();
    if (!met_ && !busy(true)) cancel_receives();
    if (clock.elapsed() > 10 * time_scale()) break;
  }
  for (const Slot& slot : slots_) report_busy(slot);
  report_busy(farewell_);
  if (clock.elapsed() > limit * time_scale()) {
    note_failure(FABTESTS_PLACE,
                 "round " + std::to_string(number_) + ": noticed only after " + std::to_string(clock.elapsed()) + " s");
  }
  // The bystander is served all the time; how soon its process gets a processor is not our affair.
  while (echo_ == echoes && clock.elapsed() < 10 * time_scale()) step();
  CHECK(echo_ > echoes);
  check_memory();
}

void Survivor::check_memory() const {
  check_untouched(memory_.data(), kLargestMessage, kUntouchable);
  check_untouched(memory_.data() + 2 * kLargestMessage, kLargestMessage, kUntouchable);
}

void Survivor::meet(std::uint64_t number, fi_addr_t address) {
  number_ = number;
  address_ = address;
  met_ = false;
}

void Survivor::talk(int transfers) {
  const Deadline patience(20);
  const int before = deliveries_;
  while (deliveries_ < before + transfers && !patience.expired()) {
    start_all();
    step();
  }
  CHECK(deliveries_ >= before + transfers);
}

void Survivor::settle() {
  const Deadline patience(20);
  while (echo_outstanding_ && !patience.expired()) progress();
  CHECK(!echo_outstanding_);
}

void Survivor::round(std::uint64_t number, fi_addr_t address, pid_t pid) {
  meet(number, address);
  const double moment = static_cast<double>(random_.below(1000)) / 1000 * kLongestTalk;
  talk_until(moment);
  REQUIRE(kill(pid, SIGKILL) == 0);
  bid_farewell();
  await_ends(met_ ? kNoticeSeconds : kNoticeSeconds + kConnectSeconds);
}

void stand_by(Node& node, fi_addr_t survivor) {
  for (;;) {
    std::uint64_t number;
    node.submit([&] { return fi_trecv(node.ep(), &number, 8, nullptr, survivor, kEchoRequest, 0, nullptr); });
    node.until(
        "a request", [&] { return !node.receives().empty(); }, 100);
    if (node.receives().take().length == 0) return;
    node.submit([&] { return fi_tinject(node.ep(), &number, 8, survivor, kEchoAnswer); });
  }
}

void dismiss_bystander(Node& node, fi_addr_t bystander) {
  node.submit([&] { return fi_tinject(node.ep(), nullptr, 0, bystander, kEchoRequest); });
}

}  // namespace anchor::fabtests
