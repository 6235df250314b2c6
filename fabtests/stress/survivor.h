// SPDX-License-Identifier: BSD-2-Clause
// The one that lives through all rounds: keeps operations outstanding towards the victim, has it killed at a random
// moment, and must get an end of each of them in time, while a bystander goes on answering.
#pragma once

#include <sys/types.h>

#include <array>

#include "victim.h"

namespace anchor::fabtests {

class Survivor {
 public:
  Survivor(Team& team, Node& node, fi_addr_t bystander);

  // A round with the victim at `address`, which runs as process `pid`.
  void round(std::uint64_t number, fi_addr_t address, pid_t pid);

  // The same in parts: who is talked to from now on; so many transfers with it, while the bystander answers; one
  // message more, which ends when its death is noticed, and not before; and, after its death, the end of all that is
  // outstanding, `limit` seconds later at most (scaled by FABTESTS_TIME_SCALE).
  void meet(std::uint64_t number, fi_addr_t address);
  void talk(int transfers);
  void bid_farewell();
  void await_ends(double limit);
  // Takes the bystander's last answer: nothing of ours is outstanding any more.
  void settle();

  int errors() const noexcept { return errors_; }
  int deliveries() const noexcept { return deliveries_; }
  std::uint64_t echoes() const noexcept { return echo_; }

 private:
  struct Slot {
    Bytes buffer = Bytes(kLargestMessage);
    bool busy = false;
    bool sends = false;
    bool remote = false;  // an operation on the victim's memory, and no message
  };
  static constexpr std::size_t kInFlight = 8;
  static constexpr std::byte kUntouchable{0x3c};

  void talk_until(double seconds);
  void start_all();
  void step();
  void take(const Entry& entry);
  void progress();
  void cancel_receives();
  void report_busy(const Slot& slot) const;
  bool busy(bool sends) const;
  void check_memory() const;

  Node& node_;
  Random random_;
  fi_addr_t bystander_;
  fi_addr_t address_ = 0;
  std::uint64_t number_ = 0;
  std::array<Slot, 2 * kInFlight> slots_;
  Slot farewell_{.sends = true};
  // What victims reach for lies in the middle.
  Bytes memory_ = Bytes(3 * kLargestMessage, kUntouchable);
  Owned<fid_mr> region_;
  bool met_ = false;  // this round's victim was found: its death is noticed
  std::uint64_t echo_ = 0;
  std::uint64_t answer_ = 0;
  bool echo_outstanding_ = false;
  int errors_ = 0;
  int deliveries_ = 0;
};

// The bystander: answers the survivor until it is dismissed.
void stand_by(Node& node, fi_addr_t survivor);
void dismiss_bystander(Node& node, fi_addr_t bystander);

}  // namespace anchor::fabtests
