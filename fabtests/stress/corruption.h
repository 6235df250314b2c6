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

  // One deed, of any kind, or of those that have to do with memory of the device. Requires: connected.
  void commit();
  void commit_placing() {
    listen();
    place_wrongly();
  }

 private:
  void say_anything();
  void say_nearly_right();
  void answer_wrongly();
  void offer_fronts(Words* words);
  void announce_wildly();
  void place_wrongly();
  void flood();
  void scribble_slots();
  void spoil_credits();
  void spoil_status();
  void spoil_progress();
  void spoil_own_record();
  void spoil_own_block();
  void offer_memory();
  void spoil_own_table();
  void ask_nonsense();
  void ring_bells();

  void listen();
  std::uint64_t word();
  std::uint64_t known();
  std::uint64_t one_of(const std::vector<std::uint64_t>& names);
  std::uint64_t place();

  Rogue& rogue_;
  fabtests::Random& random_;
  // The victim's names of requests and transfers: from all of its messages; from its announcements and its clears to
  // send.
  std::vector<std::uint64_t> heard_, announced_, wanted_;
};

}  // namespace anchor::stress
