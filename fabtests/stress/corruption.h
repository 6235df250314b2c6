// SPDX-License-Identifier: BSD-2-Clause
// What a hostile peer does, one thing at a time: each field of everything it can write to, with values that are
// random, borderline, or what the victim told it.
#pragma once

#include <cstdint>
#include <vector>

#include "common/random.h"
#include "rogue.h"

namespace anchor::stress {

// Keys of memory that its victim asks for are below this.
inline constexpr std::uint64_t kWantedKeys = 4;

class Corruption {
 public:
  Corruption(Rogue& rogue, fabtests::Random& random) : rogue_(rogue), random_(random) {}

  // One deed. Requires: connected.
  void commit();

 private:
  void say_anything();
  void say_nearly_right();
  void answer_wrongly();
  void announce_wildly();
  void flood();
  void scribble_slots();
  void spoil_credits();
  void spoil_pull_line();
  void spoil_own_record();
  void spoil_own_block();
  void offer_memory();
  void spoil_own_table();
  void ask_nonsense();
  void ring_bells();

  void listen();
  std::uint64_t word();
  std::uint64_t known();

  Rogue& rogue_;
  fabtests::Random& random_;
  std::vector<std::uint64_t> heard_;  // names of requests and transfers from the victim's messages
};

}  // namespace anchor::stress
